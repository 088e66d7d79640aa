// spans-sarama sends messages to the broker at its argument, and receives them.
package main

import (
	"fmt"
	"os"

	"github.com/IBM/sarama"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func message(topic string, headers ...sarama.RecordHeader) *sarama.ProducerMessage {
	return &sarama.ProducerMessage{
		Topic: topic, Key: sarama.StringEncoder("key canary"), Value: sarama.StringEncoder("value canary"), Headers: headers,
	}
}

func header(key, value string) sarama.RecordHeader {
	return sarama.RecordHeader{Key: []byte(key), Value: []byte(value)}
}

func config() *sarama.Config {
	c := sarama.NewConfig()
	c.Version = sarama.V1_0_0_0
	c.Producer.Return.Successes = true
	c.Producer.Retry.Max = 0
	c.Metadata.Retry.Max = 0
	return c
}

//go:noinline
func send(p sarama.SyncProducer) {
	_, _, err := p.SendMessage(message("orders"))
	check(err)
	_, _, err = p.SendMessage(message("orders", header("secret", "canary"), header("traceparent", os.Args[2])))
	check(err)
	check(p.SendMessages([]*sarama.ProducerMessage{
		message("orders", header("tracepar", "canary"), header("traceparent", "canary")),
		message("orders", header("traceparent", os.Args[3])),
	}))
	if _, _, err = p.SendMessage(message("missing")); err == nil {
		panic("no failure")
	}
}

//go:noinline
func sendByItself(p sarama.AsyncProducer) {
	p.Input() <- message("orders")
	<-p.Successes()
	p.Input() <- message("missing")
	if e := <-p.Errors(); e == nil {
		panic("no failure")
	}
}

//go:noinline
func handle(m *sarama.ConsumerMessage) int {
	return len(m.Value)
}

//go:noinline
func receive(p sarama.PartitionConsumer) {
	for i := 0; i < 5; i++ {
		handle(<-p.Messages())
	}
}

func main() {
	p, err := sarama.NewSyncProducer(os.Args[1:2], config())
	check(err)
	send(p)
	check(p.Close())
	a, err := sarama.NewAsyncProducer(os.Args[1:2], config())
	check(err)
	sendByItself(a)
	check(a.Close())
	c, err := sarama.NewConsumer(os.Args[1:2], config())
	check(err)
	of, err := c.ConsumePartition("orders", 0, sarama.OffsetOldest)
	check(err)
	receive(of)
	check(of.Close())
	check(c.Close())
	fmt.Println("done")
}
