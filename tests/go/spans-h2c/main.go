// spans-h2c serves HTTP/2 without TLS by golang.org/x/net, and HTTP/1; what it asks itself it asks by golang.org/x/net's
// Transport. Paths carry numbers that go along, as those of spans-web. "h2" as the first argument: the same with TLS, by
// net/http's server and client with golang.org/x/net in them. It ends when its input does.
package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

var (
	back   string
	client *http.Client
)

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

func ask(ctx context.Context, path string) {
	q, err := http.NewRequestWithContext(ctx, "GET", back+path, nil)
	if err != nil {
		panic(err)
	}
	r, err := client.Do(q)
	if err != nil {
		return
	}
	io.Copy(io.Discard, r.Body)
	r.Body.Close()
}

func main() {
	mux := http.NewServeMux()
	mux.HandleFunc("/ask/", func(w http.ResponseWriter, r *http.Request) {
		done := make(chan bool)
		go func() {
			ask(context.Background(), "/back"+r.URL.Path)
			close(done)
		}()
		<-done
		ask(r.Context(), "/back"+r.URL.Path)
		w.WriteHeader(http.StatusAccepted)
	})
	mux.HandleFunc("/back/", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusCreated) })
	mux.HandleFunc("/stream/", func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < 3; i++ {
			fmt.Fprintln(w, i)
			w.(http.Flusher).Flush()
		}
	})
	mux.HandleFunc("/silent/", func(w http.ResponseWriter, r *http.Request) {})
	mux.HandleFunc("/panic/", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	mux.HandleFunc("/gone/", func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() })

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	if len(os.Args) > 1 {
		s := &http.Server{Handler: mux, TLSConfig: certificate()}
		if err := http2.ConfigureServer(s, nil); err != nil {
			panic(err)
		}
		t := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
		if err := http2.ConfigureTransport(t); err != nil {
			panic(err)
		}
		back, client = "https://"+l.Addr().String(), &http.Client{Transport: t}
		go s.ServeTLS(l, "", "")
	} else {
		back = "http://" + l.Addr().String()
		client = &http.Client{Transport: &http2.Transport{AllowHTTP: true,
			DialTLSContext: func(ctx context.Context, network, addr string, _ *tls.Config) (net.Conn, error) {
				return net.Dial(network, addr)
			}}}
		go http.Serve(l, h2c.NewHandler(mux, &http2.Server{}))
	}
	fmt.Println("ready", os.Getpid(), l.Addr().(*net.TCPAddr).Port)
	io.Copy(io.Discard, os.Stdin)
}
