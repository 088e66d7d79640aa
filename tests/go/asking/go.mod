module asking

go 1.17
