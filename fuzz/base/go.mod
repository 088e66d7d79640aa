module base

go 1.17
