// spans-kafka-go sends messages to the broker at its argument, and receives them. For each it asks the server at its last
// argument, if there is one.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/segmentio/kafka-go"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func message(headers ...kafka.Header) kafka.Message {
	return kafka.Message{Key: []byte("key canary"), Value: []byte("value canary"), Headers: headers}
}

func header(key, value string) kafka.Header {
	return kafka.Header{Key: key, Value: []byte(value)}
}

func writer(topic string) *kafka.Writer {
	return kafka.NewWriter(kafka.WriterConfig{
		Brokers: os.Args[1:2], Topic: topic, BatchTimeout: 10 * time.Millisecond, MaxAttempts: 1,
	})
}

//go:noinline
func send(ctx context.Context) {
	w := writer("orders")
	check(w.WriteMessages(ctx, message()))
	check(w.WriteMessages(ctx, message(header("secret", "canary"), header("traceparent", os.Args[2]))))
	check(w.WriteMessages(ctx, message(header("tracepar", "canary"), header("traceparent", "canary")),
		message(header("traceparent", os.Args[3]))))
	check(w.Close())
	w = writer("missing")
	if w.WriteMessages(ctx, message()) == nil {
		panic("no failure")
	}
	w.Close()
}

//go:noinline
func handle(m kafka.Message) int {
	if len(os.Args) > 4 {
		a, err := http.Get(os.Args[4])
		check(err)
		check(a.Body.Close())
	}
	return len(m.Value)
}

//go:noinline
func receive(ctx context.Context) {
	r := kafka.NewReader(kafka.ReaderConfig{Brokers: os.Args[1:2], Topic: "orders", MaxWait: 10 * time.Millisecond})
	for i := 0; i < 4; i++ {
		m, err := r.ReadMessage(ctx)
		check(err)
		handle(m)
	}
	short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
	defer cancel()
	r.ReadMessage(short)
	check(r.Close())
}

func main() {
	ctx := context.Background()
	send(ctx)
	receive(ctx)
	fmt.Println("done")
}
