module github.com/alibaba/opentelemetry-go-auto-instrumentation/test/verifier

go 1.22

require (
	go.opentelemetry.io/otel/sdk v1.32.0
	go.opentelemetry.io/otel/sdk/metric v1.32.0
)
