// A gRPC server as plain as one can be, the same with the OpenTelemetry SDK's own instrumentation, and who asks: for bench.py.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func hello(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	in := new(wrapperspb.StringValue)
	if err := decode(in); err != nil {
		return nil, err
	}
	return wrapperspb.String("hello " + in.Value), nil
}

var service = grpc.ServiceDesc{
	ServiceName: "bench.Greeter", HandlerType: (*any)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Hello", Handler: hello}},
}

// serve prints its address, and ends with its input.
func serve(options ...grpc.ServerOption) {
	s := grpc.NewServer(options...)
	s.RegisterService(&service, new(int))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() { check(s.Serve(l)) }()
	fmt.Println(l.Addr())
	io.Copy(io.Discard, os.Stdin)
}

func instrumented() grpc.ServerOption {
	to, err := otlptracehttp.New(context.Background())
	check(err)
	otel.SetTracerProvider(trace.NewTracerProvider(trace.WithBatcher(to)))
	return grpc.StatsHandler(otelgrpc.NewServerHandler())
}

// ask prints how many calls were answered in that time, and how long the middle one and one in a hundred took, in ns.
// Each connection asks again when it has its answer, but no more often than every `pause`; they begin one behind the other.
func ask(address string, connections int, d, pause time.Duration) {
	var wait sync.WaitGroup
	took := make([][]time.Duration, connections)
	end := time.Now().Add(d)
	for i := range took {
		wait.Add(1)
		go func() {
			defer wait.Done()
			c, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
			check(err)
			defer c.Close()
			time.Sleep(pause * time.Duration(i) / time.Duration(connections))
			for began := time.Now(); began.Before(end); began = time.Now() {
				out := new(wrapperspb.StringValue)
				check(c.Invoke(context.Background(), "/bench.Greeter/Hello", wrapperspb.String(strconv.Itoa(i)), out))
				took[i] = append(took[i], time.Since(began))
				time.Sleep(pause - time.Since(began))
			}
		}()
	}
	wait.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	fmt.Println(len(all), all[len(all)/2].Nanoseconds(), all[len(all)*99/100].Nanoseconds())
}

func main() {
	switch os.Args[1] {
	case "serve":
		serve()
	case "sdk":
		serve(instrumented())
	case "ask":
		connections, err := strconv.Atoi(os.Args[3])
		check(err)
		d, err := time.ParseDuration(os.Args[4])
		check(err)
		pause, err := time.ParseDuration(os.Args[5])
		check(err)
		ask(os.Args[2], connections, d, pause)
	}
}
