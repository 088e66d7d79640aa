module lines

go 1.17
