module tables

go 1.17
