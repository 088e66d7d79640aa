// spans-chain is three services: "front" takes HTTP requests (gin) and asks "middle" by gRPC, which asks PostgreSQL (pgx,
// by database/sql), Redis, and "back" by HTTP, which thinks as long as it is told to, and tells Kafka, if there is one (franz-go).
// Each says where it listens, and ends when its input does. The number in the path of a request goes along to all that is asked because of it.
package main

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Where sdk.go is built in, these are the SDK's.
var (
	opening    = sql.Open
	caching    = func(*redis.Client) {}
	sending    = http.DefaultTransport
	serving    = func(h http.Handler) http.Handler { return h }
	routing    = func(*gin.Engine) {}
	grpcServes []grpc.ServerOption
	grpcAsks   = []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}
	ending     = func() {}
)

func check(err error) {
	if err != nil {
		panic(err)
	}
}

type text = wrapperspb.StringValue

type middle struct {
	db    *sql.DB
	cache *redis.Client
	back  string
	queue *kgo.Client // or nil
}

// All of them at once, in goroutines that carry the context of the call.
func (m *middle) get(ctx context.Context, id string) error {
	var some errgroup.Group
	some.Go(func() error {
		var n int
		return m.db.QueryRowContext(ctx, "SELECT n FROM orders WHERE id = $1 AND secret = 'canary'", id).Scan(&n)
	})
	some.Go(func() error { return m.cache.Get(ctx, "canary"+id).Err() })
	some.Go(func() error {
		r, err := http.NewRequestWithContext(ctx, "GET", "http://"+m.back+"/price/"+id+"?canary", nil)
		if err != nil {
			return err
		}
		answer, err := (&http.Client{Transport: sending}).Do(r)
		if err != nil {
			return err
		}
		defer answer.Body.Close()
		_, err = io.Copy(io.Discard, answer.Body)
		return err
	})
	if m.queue != nil {
		some.Go(func() error {
			return m.queue.ProduceSync(ctx, &kgo.Record{Topic: "orders", Key: []byte(id), Value: []byte("canary")}).FirstErr()
		})
	}
	if err := some.Wait(); err != nil && err != redis.Nil {
		return status.Error(codes.Internal, err.Error())
	}
	return nil
}

func order(srv interface{}, ctx context.Context, decode func(interface{}) error, _ grpc.UnaryServerInterceptor) (interface{}, error) {
	var in text
	if err := decode(&in); err != nil {
		return nil, err
	}
	return &in, srv.(*middle).get(ctx, in.Value)
}

func serveMiddle(l net.Listener, postgres, cache, back string, brokers ...string) {
	var queue *kgo.Client
	if len(brokers) > 0 {
		var err error
		queue, err = kgo.NewClient(kgo.SeedBrokers(brokers...))
		check(err)
	}
	db, err := opening("pgx", postgres)
	check(err)
	r := redis.NewClient(&redis.Options{Addr: cache, Password: "canary"})
	caching(r)
	s := grpc.NewServer(grpcServes...)
	s.RegisterService(&grpc.ServiceDesc{
		ServiceName: "shop.Orders",
		HandlerType: (*interface{})(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "Get", Handler: order}},
	}, &middle{db, r, back, queue})
	check(s.Serve(l))
}

func serveFront(l net.Listener, middle string) {
	c, err := grpc.Dial(middle, grpcAsks...)
	check(err)
	gin.SetMode(gin.ReleaseMode)
	g := gin.New()
	routing(g)
	g.GET("/order/:id", func(r *gin.Context) {
		var out text
		if err := c.Invoke(r.Request.Context(), "/shop.Orders/Get", &text{Value: r.Param("id")}, &out); err != nil {
			r.String(http.StatusBadGateway, err.Error())
			return
		}
		r.String(http.StatusOK, out.Value)
	})
	check(http.Serve(l, g))
}

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Println("ready", os.Getpid(), l.Addr())
	go func() {
		io.Copy(io.Discard, os.Stdin)
		ending()
		os.Exit(0)
	}()
	switch os.Args[1] {
	case "front":
		serveFront(l, os.Args[2])
	case "middle":
		serveMiddle(l, os.Args[2], os.Args[3], os.Args[4], os.Args[5:]...)
	case "back":
		thinks, err := time.ParseDuration(os.Args[2])
		check(err)
		mux := http.NewServeMux()
		mux.HandleFunc("/price/", func(w http.ResponseWriter, r *http.Request) {
			time.Sleep(thinks)
			fmt.Fprintln(w, strings.TrimPrefix(r.URL.Path, "/price/"))
		})
		check(http.Serve(l, serving(mux)))
	}
}
