module service

go 1.22

// The tool's own code, which it copies into the service, imports what its module leaves out.
replace github.com/alibaba/opentelemetry-go-auto-instrumentation/test/verifier => ./verifier
