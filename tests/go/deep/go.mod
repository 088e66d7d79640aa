module deep

go 1.17
