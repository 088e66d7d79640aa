module storing

go 1.17
