module spanslate

go 1.17
