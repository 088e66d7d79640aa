module plugs

go 1.17
