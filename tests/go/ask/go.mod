module ask

go 1.17
