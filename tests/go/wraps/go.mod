module wraps

go 1.17
