module spansproxy

go 1.17
