module vault

go 1.17
