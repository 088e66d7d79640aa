module signatures

go 1.18
