// A gRPC server as plain as one can be, which sends nothing; with the tag sdk, with the OpenTelemetry SDK's own instrumentation:
// for bench.py.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"

	"google.golang.org/grpc"
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

// It prints its address, and ends with its input.
func main() {
	s := grpc.NewServer(options()...)
	s.RegisterService(&service, new(int))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() { check(s.Serve(l)) }()
	fmt.Println(l.Addr())
	io.Copy(io.Discard, os.Stdin)
}
