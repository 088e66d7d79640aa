// spans-collects asks itself over HTTP/2, by requests that say whose they are. What comes with each of them is so
// large that a collection begins while it is taken in, before the goroutine is made that will serve it; and each
// time there is a processor more, so that the collection makes a goroutine for itself first.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/debug"
	"strings"
)

const requests = 40

func main() {
	web := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	web.EnableHTTP2 = true
	web.Config.ErrorLog = log.New(io.Discard, "", 0)
	web.StartTLS()
	client := &http.Client{Transport: &http.Transport{
		ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	}}
	debug.SetGCPercent(10)
	cookie := strings.Repeat("c", 100000)
	for i := 0; i < requests; i++ {
		runtime.GOMAXPROCS(2 + i)
		req, err := http.NewRequest("GET", fmt.Sprintf("%s/%d", web.URL, i), nil)
		if err != nil {
			log.Fatal(err)
		}
		req.Header.Set("Traceparent", fmt.Sprintf("00-%032x-%016x-01", i+1, i+1))
		for k := 0; k < 4; k++ { // the server makes one of them
			req.Header.Add("Cookie", cookie)
		}
		answer, err := client.Do(req)
		if err != nil {
			log.Fatal(err)
		}
		answer.Body.Close()
	}
	fmt.Println("done")
}
