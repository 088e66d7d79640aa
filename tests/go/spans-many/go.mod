module spans-many

go 1.17
