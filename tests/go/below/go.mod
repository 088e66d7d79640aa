module below

go 1.17
