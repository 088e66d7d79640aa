module wider

go 1.17
