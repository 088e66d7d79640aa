module serves

go 1.17
