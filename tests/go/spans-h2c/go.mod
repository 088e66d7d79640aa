module spans-h2c

go 1.18

require golang.org/x/net v0.7.0
