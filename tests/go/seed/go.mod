module seed

go 1.18
