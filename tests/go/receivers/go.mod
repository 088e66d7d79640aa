module receivers

go 1.17
