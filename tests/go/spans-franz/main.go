// spans-franz sends records to the broker at its argument, and receives them.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func record(topic string, headers ...kgo.RecordHeader) *kgo.Record {
	return &kgo.Record{Topic: topic, Key: []byte("key canary"), Value: []byte("value canary"), Headers: headers}
}

func header(key, value string) kgo.RecordHeader {
	return kgo.RecordHeader{Key: key, Value: []byte(value)}
}

//go:noinline
func send(ctx context.Context, c *kgo.Client) {
	check(c.ProduceSync(ctx, record("orders")).FirstErr())
	check(c.ProduceSync(ctx, record("orders", header("secret", "canary"), header("traceparent", os.Args[2]))).FirstErr())
	var wg sync.WaitGroup
	for _, headers := range [][]kgo.RecordHeader{
		{header("tracepar", "canary"), header("traceparent", "canary")}, {header("traceparent", os.Args[3])},
	} {
		wg.Add(1)
		c.Produce(ctx, record("", headers...), func(_ *kgo.Record, err error) {
			check(err)
			wg.Done()
		})
	}
	wg.Wait()
	if c.ProduceSync(ctx, record("missing")).FirstErr() == nil {
		panic("no failure")
	}
}

//go:noinline
func handle(r *kgo.Record) int {
	return len(r.Value)
}

//go:noinline
func receive(ctx context.Context, c *kgo.Client) {
	n := 0
	for n < 4 {
		most := 1
		if n == 2 {
			most = 2
		}
		fetches := c.PollRecords(ctx, most)
		for _, e := range fetches.Errors() {
			panic(e.Err)
		}
		for it := fetches.RecordIter(); !it.Done(); n++ {
			handle(it.Next())
		}
	}
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	c.PollFetches(short)
}

func main() {
	ctx := context.Background()
	c, err := kgo.NewClient(kgo.SeedBrokers(os.Args[1]), kgo.DefaultProduceTopic("orders"), kgo.ConsumeTopics("orders"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.UnknownTopicRetries(0), kgo.ProducerLinger(20*time.Millisecond))
	check(err)
	send(ctx, c)
	receive(ctx, c)
	c.Close()
	fmt.Println("done")
}
