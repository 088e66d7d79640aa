//go:build sends

package main

import (
	"context"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// What could send is there, and is not used.
func init() {
	if len(os.Args) > 1 {
		c, err := grpc.NewClient(os.Args[1], grpc.WithTransportCredentials(insecure.NewCredentials()))
		check(err)
		check(c.Invoke(context.Background(), os.Args[1], nil, nil))
	}
}
