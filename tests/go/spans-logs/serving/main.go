// Many requests at once, each of which logs its path: itself, by a goroutine, and by a worker that has its context.
package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
)

type job struct {
	ctx  context.Context
	path string
	done chan bool
}

func worker(jobs chan job) {
	for j := range jobs {
		slog.InfoContext(j.ctx, "worker "+j.path)
		j.done <- true
	}
}

func main() {
	slog.SetDefault(slog.New(slog.NewTextHandler(io.Discard, nil)))
	jobs := make(chan job)
	for i := 0; i < 4; i++ {
		go worker(jobs)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, done := r.URL.Path, make(chan bool)
		slog.Info("handler " + path)
		go func() {
			slog.Warn("goroutine " + path)
			done <- true
		}()
		<-done
		jobs <- job{r.Context(), path, done}
		<-done
	}))
	var clients sync.WaitGroup
	for c := 0; c < 16; c++ {
		clients.Add(1)
		go func(c int) {
			defer clients.Done()
			for i := 0; i < 25; i++ {
				answer, err := http.Get(fmt.Sprintf("%s/%d/%d", s.URL, c, i))
				if err != nil {
					panic(err)
				}
				io.Copy(io.Discard, answer.Body)
				answer.Body.Close()
			}
		}(c)
	}
	clients.Wait()
	fmt.Println("done")
}
