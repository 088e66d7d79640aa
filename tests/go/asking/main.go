// asking sends requests to the server that its argument names, one for each line of its input: how, and a path.
// It says the status of each, or its error. Without an argument it serves HTTP/2, and says what came: protocol, path,
// headers and trailers, as JSON. "relay" and a server: it serves as well, by HTTP/1 and by HTTP/2, and sends the path of
// each request on to that server, with the header of its own that the query says: "Name:value", several with "&".
// Built with the tag xnet it sends by golang.org/x/net.
package main

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

var client = &http.Client{Transport: &http.Transport{
	TLSClientConfig:     &tls.Config{InsecureSkipVerify: true},
	ForceAttemptHTTP2:   true,
	MaxIdleConnsPerHost: 64,
}}

func send(method, url string, header http.Header, body io.Reader) string {
	r, err := http.NewRequest(method, url, body)
	if err != nil {
		return err.Error()
	}
	if header != nil {
		r.Header = header
	}
	answer, err := client.Do(r)
	if err != nil {
		return err.Error()
	}
	io.Copy(io.Discard, answer.Body)
	answer.Body.Close()
	return answer.Status
}

// Several at once; each has a path of its own.
func all(n int, one func(i int) string) string {
	said := make([]string, n)
	var wait sync.WaitGroup
	for i := range said {
		wait.Add(1)
		go func(i int) {
			defer wait.Done()
			said[i] = one(i)
		}(i)
	}
	wait.Wait()
	for _, s := range said {
		if s != said[0] {
			return s
		}
	}
	return said[0]
}

func own(headers []string) http.Header {
	h := http.Header{}
	for _, s := range headers {
		if at := strings.IndexByte(s, ':'); at > 0 {
			h[s[:at]] = append(h[s[:at]], s[at+1:])
		}
	}
	return h
}

func do(how, url string, headers []string) string {
	switch how {
	case "get":
		return send("GET", url, nil, nil)
	case "with":
		return send("GET", url, own(headers), nil)
	case "text":
		return send("POST", url, nil, strings.NewReader("some text"))
	case "trailer":
		r, _ := http.NewRequest("POST", url, io.MultiReader(strings.NewReader("some text")))
		r.Trailer = http.Header{"X-Sum": {"1"}}
		answer, err := client.Do(r)
		if err != nil {
			return err.Error()
		}
		answer.Body.Close()
		return answer.Status
	case "stream":
		r, w := io.Pipe()
		go func() {
			for i := 0; i < 100; i++ {
				fmt.Fprintf(w, "%1000d", i)
			}
			w.Close()
		}()
		return send("PUT", url, nil, r)
	case "own":
		return send("GET", url, http.Header{"Traceparent": {"00-" + strings.Repeat("1", 32) + "-" +
			strings.Repeat("2", 16) + "-01"}, "Zeta": {"last"}}, nil)
	case "odd":
		return send("GET", url, http.Header{"traceParent": {"00-" + strings.Repeat("3", 32) + "-" +
			strings.Repeat("4", 16) + "-00"}, "x-lower": {"a", "b"}, "X-EMPTY": {""}}, nil)
	case "none":
		return send("GET", url, http.Header{}, nil)
	case "large":
		return send("GET", url, http.Header{"X-Large": {strings.Repeat("x", 1<<20)}}, nil)
	case "full": // of these some leave just enough room in the buffer of 4 KiB, some just not
		for n := 3700; n < 4000; n++ {
			said := send("GET", fmt.Sprintf("%s-%d", url, n), http.Header{"X": {strings.Repeat("x", n)}}, nil)
			if said != "200 OK" {
				return said
			}
		}
		return "200 OK"
	case "shared": // by a map that two requests have at once
		header := http.Header{"X-Shared": {"1"}}
		return all(2, func(i int) string { return send("GET", fmt.Sprintf("%s-%d", url, i), header, nil) })
	case "many":
		return all(64, func(i int) string {
			for k := 0; k < 20; k++ {
				if said := send("GET", fmt.Sprintf("%s-%d-%d", url, i, k), nil, nil); said != "200 OK" {
					return said
				}
			}
			return "200 OK"
		})
	}
	return "what is " + how
}

func certificate() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	t := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &t, &t, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func serve() {
	var one sync.Mutex
	said := json.NewEncoder(os.Stdout)
	at, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println("ready", at.Addr())
	s := http.Server{TLSConfig: certificate(), Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		one.Lock()
		defer one.Unlock()
		said.Encode([]interface{}{r.Proto, r.URL.Path, r.Header, r.Trailer})
	})}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	panic(s.ServeTLS(at, "", ""))
}

func relay(to string) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		said := make(chan string)
		go func() { said <- send("GET", to+r.URL.Path, own(strings.Split(r.URL.RawQuery, "&")), nil) }()
		if s := <-said; s != "200 OK" {
			http.Error(w, s, http.StatusBadGateway)
		}
	})
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	tls, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	go http.Serve(plain, h)
	go (&http.Server{TLSConfig: certificate(), Handler: h}).ServeTLS(tls, "", "")
	fmt.Println("ready", plain.Addr(), tls.Addr())
	io.Copy(io.Discard, os.Stdin)
}

func main() {
	if len(os.Args) == 1 {
		serve()
	}
	if os.Args[1] == "relay" {
		relay(os.Args[2])
		return
	}
	fmt.Println("ready", os.Getpid())
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		words := strings.Fields(in.Text())
		fmt.Println(do(words[0], os.Args[1]+words[1], words[2:]))
	}
}
