module asks

go 1.25

require (
	golang.org/x/net v0.62.0
	google.golang.org/grpc v1.85.0
)
