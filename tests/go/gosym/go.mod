module gosym

go 1.20
