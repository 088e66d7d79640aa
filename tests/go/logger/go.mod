module logger

go 1.17

require github.com/tal-tech/go-zero v1.1.10
