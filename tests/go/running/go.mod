module running

go 1.17
