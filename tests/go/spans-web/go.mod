module spansweb

go 1.17
