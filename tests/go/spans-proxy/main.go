// spans-proxy asks a proxy, which passes on what it gets to a server behind it, with all of the header. "h2" as the
// argument: all of them speak HTTP/2.
package main

import (
	"crypto/tls"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
)

var transport = &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}

func serve(h http.Handler) *url.URL {
	web := httptest.NewUnstartedServer(h)
	if web.EnableHTTP2 = os.Args[1] == "h2"; web.EnableHTTP2 {
		web.StartTLS()
	} else {
		web.Start()
	}
	at, err := url.Parse(web.URL)
	if err != nil {
		log.Fatal(err)
	}
	return at
}

func main() {
	back := serve(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	proxy := httputil.NewSingleHostReverseProxy(back)
	proxy.Transport = transport
	front := serve(proxy)
	for i := 1; i <= 3; i++ {
		req, err := http.NewRequest("GET", fmt.Sprintf("%s/%d", front, i), nil)
		if err != nil {
			log.Fatal(err)
		}
		if i != 2 { // that one is told whose it is by who looks on
			req.Header.Set("Traceparent", fmt.Sprintf("00-%032x-%016x-01", i, i))
		}
		answer, err := transport.RoundTrip(req)
		if err != nil {
			log.Fatal(err)
		}
		answer.Body.Close()
	}
	fmt.Println("done")
}
