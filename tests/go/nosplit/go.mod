module nosplit

go 1.17
