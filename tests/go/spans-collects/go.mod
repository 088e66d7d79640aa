module spanscollects

go 1.17
