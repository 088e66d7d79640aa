module hot

go 1.23
