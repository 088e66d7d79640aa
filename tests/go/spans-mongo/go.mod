module spansmongo

go 1.17

require go.mongodb.org/mongo-driver v1.17.10

// of versions without a go.mod
require (
	github.com/go-stack/stack v1.8.0
	github.com/golang/snappy v0.0.1
	github.com/xdg/scram v0.0.0-20180814205039-7eeb5667e42c
	github.com/xdg/stringprep v0.0.0-20180714160509-73f8eece6fdc
	golang.org/x/crypto v0.0.0-20190530122614-20be4c3c3ed5
	golang.org/x/sync v0.0.0-20190423024810-112230192c58
	golang.org/x/text v0.3.2
)
