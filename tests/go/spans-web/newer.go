//go:build go1.21

package main

import "context"

func more(ctx context.Context) context.Context {
	ctx = context.WithoutCancel(ctx)
	ctx, end := context.WithCancelCause(ctx)
	context.AfterFunc(ctx, func() {})
	end(nil)
	return context.WithoutCancel(ctx)
}
