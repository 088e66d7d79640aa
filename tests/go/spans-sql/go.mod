module spanssql

go 1.17
