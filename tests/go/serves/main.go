// serves answers requests and sends none: nothing of a client is in it. On its first port by HTTP/1, on the second by HTTP/2 with
// TLS. Each path ends in a number of its own. It ends when its input does.
package main

import (
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
)

//go:noinline
func work(path string) int { return len(path) }

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func certificate() *tls.Config {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	t := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, &t, &t, &key.PublicKey, key)
	check(err)
	return &tls.Config{NextProtos: []string{"h2"}, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func main() {
	http.HandleFunc("/plain/", func(w http.ResponseWriter, r *http.Request) {})
	http.HandleFunc("/body/", func(w http.ResponseWriter, r *http.Request) { // its trailers are read here
		io.Copy(io.Discard, r.Body)
	})
	http.HandleFunc("/unread/", func(w http.ResponseWriter, r *http.Request) {}) // and here when the handler has returned
	http.HandleFunc("/panic/", func(w http.ResponseWriter, r *http.Request) { panic(http.ErrAbortHandler) })
	http.HandleFunc("/hijack/", func(w http.ResponseWriter, r *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		check(err)
		io.WriteString(c, "HTTP/1.1 299 Mine\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
		c.Close()
	})
	http.HandleFunc("/child/", func(w http.ResponseWriter, r *http.Request) {
		done := make(chan int)
		go func() { done <- work(r.URL.Path) }()
		<-done
	})
	one, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	two, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	go http.Serve(one, nil)
	go (&http.Server{TLSConfig: certificate()}).ServeTLS(two, "", "")
	fmt.Println("ready", one.Addr().(*net.TCPAddr).Port, two.Addr().(*net.TCPAddr).Port)
	io.Copy(io.Discard, os.Stdin)
}
