// spans-grpc serves gRPC on loopback and asks servers of its own. The method of each call ends in a number, which
// goes along to what is asked because of it, so that whoever looks at spans can tell which belong together.
//
// Each line of its input is a call to make: KIND NUMBER [TRACEPARENT[|TRACESTATE]], or KIND NUMBER NAME:VALUE[|NAME:VALUE…] with
// headers. It answers with the code that the call ended with. "many KIND FROM TO WORKERS" makes many at once, those of odd numbers with a traceparent made of theirs. It ends
// when its input does. "workers" as an argument: the
// server has a pool of goroutines; "http": it serves through net/http; "at PORT": calls go to another process's server.
package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const numbers = 1200

var back *grpc.ClientConn

type job struct {
	ctx  context.Context
	n    int
	done chan bool
}

var (
	jobs  = make(chan job)
	start sync.Once
)

func text(s string) *wrapperspb.StringValue { return &wrapperspb.StringValue{Value: s} }

func ask(ctx context.Context, n int) error {
	return back.Invoke(ctx, fmt.Sprintf("/back.Plain/N%d", n), text("canary"), text(""))
}

// What unary handlers do.
var unary = map[string]func(ctx context.Context, n int) error{
	"plain": func(ctx context.Context, n int) error { return nil },
	"relay": func(ctx context.Context, n int) error { // one of an odd number has a tracestate of its own
		if n%2 == 1 {
			ctx = metadata.AppendToOutgoingContext(ctx, "tracestate", "x=y")
		}
		return back.Invoke(ctx, fmt.Sprintf("/back.Said/N%d", n), text("canary"), text(""))
	},
	"said": func(ctx context.Context, n int) error { // as code how long the tracestate is
		md, _ := metadata.FromIncomingContext(ctx)
		return status.Error(codes.Code(len(strings.Join(md["tracestate"], ","))), "canary")
	},
	"carry": func(ctx context.Context, n int) error { // one of an odd number has a b3 of its own
		if n%2 == 1 {
			ctx = metadata.AppendToOutgoingContext(ctx, "b3", strings.Repeat("5", 32)+"-"+strings.Repeat("6", 16)+"-1")
		}
		return back.Invoke(ctx, fmt.Sprintf("/back.Carried/N%d", n), text("canary"), text(""))
	},
	"carried": func(ctx context.Context, n int) error { // as code which of them came, and how often
		md, _ := metadata.FromIncomingContext(ctx)
		return status.Error(codes.Code(len(md["b3"])+2*len(md["traceparent"])+4*len(md["baggage"])+
			8*len(md["x-b3-traceid"])), "canary")
	},
	"deep": func(ctx context.Context, n int) error {
		var all sync.WaitGroup
		for i := 0; i < 3; i++ {
			all.Add(1)
			go func() {
				defer all.Done()
				ask(ctx, n)
			}()
		}
		all.Wait()
		return ask(ctx, n)
	},
	"pool": func(ctx context.Context, n int) error {
		start.Do(func() { // by the first call that comes; it serves all others, too
			go func() {
				for j := range jobs {
					ask(j.ctx, j.n)
					j.done <- true
				}
			}()
		})
		j := job{context.Background(), n, make(chan bool)}
		if n%4 == 0 { // what is handed over has the call's own context, and that tells
			j.ctx = metadata.AppendToOutgoingContext(ctx, "a", "b")
		}
		jobs <- j
		<-j.done
		return nil
	},
	"code":    func(ctx context.Context, n int) error { return status.Error(codes.Code(n%17), "canary") },
	"foreign": func(ctx context.Context, n int) error { return errors.New("canary") }, // code Unknown
	"panics":  func(ctx context.Context, n int) error { panic("it recovers") },
	// whose time is over first, the caller's or ours, the answer is the same
	"late": func(ctx context.Context, n int) error { <-ctx.Done(); return status.FromContextError(ctx.Err()).Err() },
	"flaky": func(ctx context.Context, n int) error { // fails twice, then does not
		mu.Lock()
		defer mu.Unlock()
		tries[n]++
		if tries[n] < 3 {
			return status.Error(codes.Unavailable, "not yet")
		}
		return nil
	},
}

var (
	mu    sync.Mutex
	tries = map[int]int{}
)

// What streaming handlers do: all of what comes is answered by one, or each by one, or one by three.
var streams = map[string]func(s grpc.ServerStream, n int) error{
	"up": func(s grpc.ServerStream, n int) error {
		for {
			if err := s.RecvMsg(text("")); err == io.EOF {
				break
			} else if err != nil {
				return err
			}
		}
		ask(s.Context(), n)
		return s.SendMsg(text("all"))
	},
	"down": func(s grpc.ServerStream, n int) error {
		if err := s.RecvMsg(text("")); err != nil {
			return err
		}
		for i := 0; i < 3; i++ {
			ask(s.Context(), n)
			s.SendMsg(text("some"))
		}
		return nil
	},
	"both": func(s grpc.ServerStream, n int) error {
		for {
			if err := s.RecvMsg(text("")); err == io.EOF {
				return status.Error(codes.Code(n%17), "canary")
			} else if err != nil {
				return err
			}
			ask(s.Context(), n)
			s.SendMsg(text("one"))
		}
	},
	"endless": func(s grpc.ServerStream, n int) error {
		for s.SendMsg(text("more")) == nil {
			time.Sleep(time.Millisecond)
		}
		return s.Context().Err()
	},
}

func register(s *grpc.Server, service string) {
	for kind, do := range unary {
		desc := grpc.ServiceDesc{ServiceName: service + "." + strings.Title(kind), HandlerType: (*interface{})(nil)}
		for n := 0; n < numbers; n++ {
			n, do := n, do
			desc.Methods = append(desc.Methods, grpc.MethodDesc{
				MethodName: "N" + strconv.Itoa(n),
				Handler: func(srv interface{}, ctx context.Context, dec func(interface{}) error,
					around grpc.UnaryServerInterceptor) (interface{}, error) {
					in := text("")
					if err := dec(in); err != nil {
						return nil, err
					}
					return around(ctx, in, &grpc.UnaryServerInfo{},
						func(ctx context.Context, in interface{}) (interface{}, error) {
							return in, do(ctx, n)
						})
				},
			})
		}
		s.RegisterService(&desc, new(int))
	}
	for kind, do := range streams {
		desc := grpc.ServiceDesc{ServiceName: service + "." + strings.Title(kind), HandlerType: (*interface{})(nil)}
		for n := 0; n < numbers; n++ {
			n, do := n, do
			desc.Streams = append(desc.Streams, grpc.StreamDesc{
				StreamName:    "N" + strconv.Itoa(n),
				Handler:       func(srv interface{}, s grpc.ServerStream) error { return do(s, n) },
				ClientStreams: kind != "down" && kind != "endless", ServerStreams: kind != "up",
			})
		}
		s.RegisterService(&desc, new(int))
	}
}

func recovers(ctx context.Context, in interface{}, info *grpc.UnaryServerInfo,
	h grpc.UnaryHandler) (out interface{}, err error) {
	defer func() {
		if recover() != nil {
			err = status.Error(codes.Internal, "canary")
		}
	}()
	return h(ctx, in)
}

// Calls that are no unary ones.
func stream(ctx context.Context, c *grpc.ClientConn, kind string, n int) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	desc := &grpc.StreamDesc{ClientStreams: kind == "up" || kind == "both", ServerStreams: kind != "up"}
	s, err := c.NewStream(ctx, desc, fmt.Sprintf("/front.%s/N%d", strings.Title(kind), n))
	if err != nil {
		return err
	}
	switch kind {
	case "up":
		for i := 0; i < 3; i++ {
			s.SendMsg(text("part"))
		}
		s.CloseSend()
		return s.RecvMsg(text(""))
	case "both":
		done := make(chan error)
		go func() { // another goroutine receives than the one that sends
			for {
				if err := s.RecvMsg(text("")); err == io.EOF {
					done <- nil
					return
				} else if err != nil {
					done <- err
					return
				}
			}
		}()
		for i := 0; i < 3; i++ {
			s.SendMsg(text("part"))
		}
		s.CloseSend()
		return <-done
	case "endless":
		s.SendMsg(text("go"))
		s.CloseSend()
		s.RecvMsg(text(""))
		cancel()
		for {
			if err := s.RecvMsg(text("")); err != nil {
				return err
			}
		}
	}
	s.SendMsg(text("go"))
	s.CloseSend()
	for {
		if err := s.RecvMsg(text("")); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

var front *grpc.ClientConn

func call(kind string, n int, parent string) error {
	ctx := context.Background()
	if strings.Contains(parent, ":") { // headers, in place of a traceparent
		for _, h := range strings.Split(parent, "|") {
			at := strings.IndexByte(h, ':')
			ctx = metadata.AppendToOutgoingContext(ctx, h[:at], h[at+1:])
		}
		parent = ""
	}
	if at := strings.IndexByte(parent, '|'); at >= 0 {
		ctx = metadata.AppendToOutgoingContext(ctx, "tracestate", parent[at+1:])
		parent = parent[:at]
	}
	if parent != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "traceparent", parent, "cookie", "canary")
	}
	if _, ok := streams[kind]; ok {
		return stream(ctx, front, kind, n)
	}
	if kind == "late" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
	}
	if kind == "refused" { // nobody listens there: at once, and of a stream that does not open
		c, err := grpc.Dial("127.0.0.1:1", grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return err
		}
		defer c.Close()
		if _, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, fmt.Sprintf("/refused.Down/N%d", n)); err == nil {
			panic("there is a stream to nobody")
		}
		return c.Invoke(ctx, fmt.Sprintf("/refused.Plain/N%d", n), text("canary"), text(""))
	}
	if kind == "again" { // an interceptor opens a stream in vain, and then another one
		c, err := grpc.Dial(front.Target(), grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithStreamInterceptor(func(ctx context.Context, desc *grpc.StreamDesc, c *grpc.ClientConn, method string,
				open grpc.Streamer, opts ...grpc.CallOption) (grpc.ClientStream, error) {
				over, cancel := context.WithCancel(ctx)
				cancel()
				if _, err := open(over, desc, c, method, opts...); err == nil {
					panic("a stream that is over has opened")
				}
				return open(ctx, desc, c, method, opts...)
			}))
		if err != nil {
			return err
		}
		defer c.Close()
		c.Invoke(ctx, "/front.Plain/N0", text(""), text(""), grpc.WaitForReady(true))
		return stream(ctx, c, "both", n)
	}
	if kind == "wrapped" { // an interceptor asks as well, tries twice, and makes another error of what it got
		c, err := grpc.Dial(front.Target(), grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithUnaryInterceptor(func(ctx context.Context, method string, in, out interface{}, c *grpc.ClientConn,
				call grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				ask(ctx, n)
				call(ctx, method, in, out, c, opts...)
				return fmt.Errorf("canary: %w", call(ctx, method, in, out, c, opts...))
			}))
		if err != nil {
			return err
		}
		defer c.Close()
		err = c.Invoke(ctx, fmt.Sprintf("/front.Code/N%d", n), text("canary"), text(""))
		return errors.Unwrap(err)
	}
	if kind == "cancel" {
		kind = "late"
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		time.AfterFunc(50*time.Millisecond, cancel)
	}
	return front.Invoke(ctx, fmt.Sprintf("/front.%s/N%d", strings.Title(kind), n), text("canary"), text(""))
}

func certificate() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	t := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &t, &t, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func serve(service, how string) (*grpc.ClientConn, int) {
	options := []grpc.ServerOption{grpc.UnaryInterceptor(recovers)}
	if how == "workers" {
		options = append(options, grpc.NumStreamWorkers(2))
	}
	s := grpc.NewServer(options...)
	register(s, service)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	creds := insecure.NewCredentials()
	if how == "http" {
		creds = credentials.NewTLS(&tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
		go (&http.Server{Handler: s, TLSConfig: certificate()}).ServeTLS(l, "", "")
	} else {
		go s.Serve(l)
	}
	c, err := grpc.Dial(l.Addr().String(), grpc.WithTransportCredentials(creds), grpc.WithDefaultServiceConfig(`{
		"methodConfig": [{"name": [{"service": "front.Flaky"}], "retryPolicy": {"maxAttempts": 4,
		"initialBackoff": "0.001s", "maxBackoff": "0.01s", "backoffMultiplier": 1,
		"retryableStatusCodes": ["UNAVAILABLE"]}}]}`))
	if err != nil {
		panic(err)
	}
	if err := c.Invoke(context.Background(), "/"+service+".Plain/N0", text(""), text(""), grpc.WaitForReady(true)); err != nil {
		panic(err)
	}
	return c, l.Addr().(*net.TCPAddr).Port
}

func main() {
	how := strings.Join(os.Args[1:], " ")
	var port int
	back, _ = serve("back", "")
	front, port = serve("front", how)
	if len(os.Args) == 3 {
		front, _ = grpc.Dial("127.0.0.1:"+os.Args[2], grpc.WithTransportCredentials(insecure.NewCredentials()))
	}
	fmt.Println("ready", os.Getpid(), port)
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var kind, parent string
		var n, to, workers int
		if c, _ := fmt.Sscanf(lines.Text(), "many %s %d %d %d", &kind, &n, &to, &workers); c == 4 {
			next, all := make(chan int), sync.WaitGroup{}
			for i := 0; i < workers; i++ {
				all.Add(1)
				go func() {
					defer all.Done()
					for n := range next {
						parent := ""
						if n%2 == 1 {
							parent = fmt.Sprintf("00-%032x-%016x-01", n, n)
						}
						call(kind, n, parent)
					}
				}()
			}
			for ; n < to; n++ {
				next <- n
			}
			close(next)
			all.Wait()
			fmt.Println("done")
			continue
		}
		fmt.Sscan(lines.Text(), &kind, &n, &parent)
		fmt.Println(kind, n, status.Code(call(kind, n, parent)))
	}
}
