module zoo

go 1.17
