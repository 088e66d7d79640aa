// The server of bench/serve with the OpenTelemetry SDK's own instrumentation; spans go where the environment says.
package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func hello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"path":%q,"hello":"world"}`, r.URL.Path)
}

func main() {
	to, err := otlptracehttp.New(context.Background())
	check(err)
	otel.SetTracerProvider(trace.NewTracerProvider(trace.WithBatcher(to)))
	http.HandleFunc("/hello/", hello)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go func() { check(http.Serve(l, otelhttp.NewHandler(http.DefaultServeMux, "serve"))) }()
	fmt.Println(l.Addr())
	io.Copy(io.Discard, os.Stdin)
}
