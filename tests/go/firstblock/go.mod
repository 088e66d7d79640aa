module firstblock

go 1.20
