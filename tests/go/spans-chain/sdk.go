//go:build sdk

// The same services with the OpenTelemetry SDK's own instrumentation, where SDK is set; spans go where the environment says.
package main

import (
	"context"
	"database/sql"
	"net/http"
	"os"

	"github.com/XSAM/otelsql"
	"github.com/gin-gonic/gin"
	"github.com/redis/go-redis/extra/redisotel/v9"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/contrib/instrumentation/github.com/gin-gonic/gin/otelgin"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"google.golang.org/grpc"
)

func init() {
	if os.Getenv("SDK") == "" {
		return
	}
	to, err := otlptracehttp.New(context.Background())
	check(err)
	spans := trace.NewTracerProvider(trace.WithBatcher(to))
	otel.SetTracerProvider(spans)
	otel.SetTextMapPropagator(propagation.TraceContext{})
	ending = func() { check(spans.Shutdown(context.Background())) }

	routing = func(g *gin.Engine) { g.Use(otelgin.Middleware("")) }
	serving = func(h http.Handler) http.Handler { return otelhttp.NewHandler(h, "") }
	sending = otelhttp.NewTransport(sending)
	grpcServes = append(grpcServes, grpc.StatsHandler(otelgrpc.NewServerHandler()))
	grpcAsks = append(grpcAsks, grpc.WithStatsHandler(otelgrpc.NewClientHandler()))
	opening = func(driver, source string) (*sql.DB, error) {
		return otelsql.Open(driver, source, otelsql.WithAttributes(semconv.DBSystemNamePostgreSQL))
	}
	caching = func(r *redis.Client) { check(redisotel.InstrumentTracing(r)) }
}
