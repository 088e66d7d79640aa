// serves-grpc answers calls and makes none: no client of grpc's can be made in it. The method of each call ends in a number of its
// own; of those that end in 7 the handler panics, and recovers from it. "workers" as an argument: the server has
// a pool of goroutines. It ends when its input does.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func handler(n int) func(any, context.Context, func(any) error, grpc.UnaryServerInterceptor) (any, error) {
	return func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (_ any, err error) {
		in := new(wrapperspb.StringValue)
		if err := decode(in); err != nil {
			return nil, err
		}
		if n%10 == 7 {
			defer func() { err = status.Error(codes.Aborted, fmt.Sprint(recover())) }()
			panic("canary")
		}
		return in, nil
	}
}

func main() {
	service := grpc.ServiceDesc{ServiceName: "front.Plain", HandlerType: (*any)(nil)}
	for n := 0; n < 1000; n++ {
		service.Methods = append(service.Methods, grpc.MethodDesc{MethodName: fmt.Sprint("N", n), Handler: handler(n)})
	}
	var options []grpc.ServerOption
	if len(os.Args) > 1 {
		options = append(options, grpc.NumStreamWorkers(4))
	}
	s := grpc.NewServer(options...)
	s.RegisterService(&service, new(int))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() { check(s.Serve(l)) }()
	fmt.Println("ready", l.Addr().(*net.TCPAddr).Port)
	io.Copy(io.Discard, os.Stdin)
}
