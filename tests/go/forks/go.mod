module forks

go 1.17
