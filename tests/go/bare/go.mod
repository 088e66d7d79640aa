module bare

go 1.17
