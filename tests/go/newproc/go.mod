module newproc

go 1.17
