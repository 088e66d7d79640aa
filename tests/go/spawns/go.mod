module spawns

go 1.18
