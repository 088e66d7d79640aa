module odd

go 1.17
