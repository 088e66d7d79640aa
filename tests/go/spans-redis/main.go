// spans-redis asks the Redis server at its argument.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/redis/go-redis/v9"
)

func check(err error) {
	if err != nil && err != redis.Nil {
		panic(err)
	}
}

//go:noinline
func round(ctx context.Context, c *redis.Client) {
	check(c.Set(ctx, "key canary", "canary", 0).Err())
	check(c.Get(ctx, "key canary").Err())
	check(c.Get(ctx, "missing canary").Err())
	if c.Incr(ctx, "refused canary").Err() == nil {
		panic("no failure")
	}
	check(c.Do(ctx, "CONFIG", "GET", "canary").Err())
	_, err := c.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "a", "canary", 0)
		p.Incr(ctx, "b")
		return nil
	})
	check(err)
	_, err = c.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "a", "canary", 0)
		return nil
	})
	check(err)
	_, err = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "a", "canary", 0)
		p.Incr(ctx, "b")
		p.Incr(ctx, "c")
		return nil
	})
	check(err)
	_, err = c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Set(ctx, "a", "canary", 0)
		return nil
	})
	check(err)
}

func main() {
	ctx := context.Background()
	c := redis.NewClient(&redis.Options{Addr: os.Args[1], Password: "canary", DB: 2, PoolSize: 1})
	round(ctx, c)
	check(c.Close())
	fmt.Println("done")
}
