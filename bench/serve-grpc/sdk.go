//go:build sdk

package main

import (
	"context"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
)

func options() []grpc.ServerOption {
	to, err := otlptracehttp.New(context.Background())
	check(err)
	otel.SetTracerProvider(trace.NewTracerProvider(trace.WithBatcher(to)))
	return []grpc.ServerOption{grpc.StatsHandler(otelgrpc.NewServerHandler())}
}
