//go:build !go1.21

package main

import "context"

func more(ctx context.Context) context.Context { return context.WithValue(ctx, key(0), 0) }
