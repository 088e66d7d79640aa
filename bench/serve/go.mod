module serve

go 1.22
