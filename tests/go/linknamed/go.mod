module linknamed

go 1.17
