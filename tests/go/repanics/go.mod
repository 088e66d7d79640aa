module repanics

go 1.17
