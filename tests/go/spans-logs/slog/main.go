// Lines of log/slog: in a span, in none, by a context, and those that are not written.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
)

type secret string

// A line inside a line.
func (s secret) LogValue() slog.Value {
	slog.Info("inside")
	return slog.StringValue("hidden")
}

//go:noinline
func round() {
	slog.Info("first", "canary", "canary", "s", secret("canary"))
	slog.Debug("disabled")
	slog.Warn("second é")
	slog.Error("")
	slog.Log(context.Background(), slog.LevelInfo+2, "between")
	slog.With("canary", 1).LogAttrs(context.Background(), slog.LevelError, "attrs", slog.Int("canary", 1))
	slog.Info(strings.Repeat("é", 255) + "xéy" + strings.Repeat("z", 600))
	var wg sync.WaitGroup
	wg.Add(1)
	go func() {
		slog.Info("of a goroutine")
		wg.Done()
	}()
	wg.Wait()
}

//go:noinline
func many() {
	for i := 0; i < 130; i++ {
		slog.Info(fmt.Sprint("line ", i))
	}
}

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(os.Stdout, nil)))
	slog.Info("outside")
	round()
	many()
	// a worker that is in no span logs for a request, by its context
	jobs, done := make(chan context.Context), make(chan bool)
	go func() {
		for ctx := range jobs {
			slog.InfoContext(ctx, "by context")
			slog.Info("not by context")
			done <- true
		}
	}()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		jobs <- context.WithValue(r.Context(), "key", "canary")
		<-done
	}))
	answer, err := http.Get(s.URL)
	if err != nil {
		panic(err)
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	s.Close()
	fmt.Println("done")
}
