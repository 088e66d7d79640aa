module declared

go 1.17
