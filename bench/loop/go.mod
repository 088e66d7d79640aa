module loop

go 1.17
