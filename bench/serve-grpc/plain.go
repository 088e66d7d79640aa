//go:build !sdk

package main

import "google.golang.org/grpc"

func options() []grpc.ServerOption { return nil }
