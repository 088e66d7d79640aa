module racing

go 1.17
