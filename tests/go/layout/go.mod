module layout

go 1.17
