module handler

go 1.17
