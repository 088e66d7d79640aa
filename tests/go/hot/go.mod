module hot

go 1.17
