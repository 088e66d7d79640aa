// A server of fiber: the answer is the pattern that fiber itself says, in a header. /order/N asks the server itself for
// /users/N, with N in a header of its own. With an argument it is served over TLS.
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

	web "MODULE"
)

var port int

func said(c *web.Ctx) error {
	c.Set("Route", c.Route().Path)
	return c.SendString(c.Params("id"))
}

func order(c *web.Ctx) error {
	req, err := http.NewRequest("GET", fmt.Sprintf("http://127.0.0.1:%d/users/%s?id=%s", port, c.Params("id"), c.Params("id")), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Id", c.Get("Id"))
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body)
	return said(c)
}

func recovers(c *web.Ctx) (err error) {
	defer func() {
		if r := recover(); r != nil {
			c.Status(500)
		}
	}()
	return c.Next()
}

func secured(l net.Listener) net.Listener {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	about := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	made, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	return tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{made}, PrivateKey: key}}})
}

func main() {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	port = l.Addr().(*net.TCPAddr).Port
	if len(os.Args) > 1 {
		l = secured(l)
	}
	app := web.New(web.Config{DisableStartupMessage: true})
	app.Use(recovers)
	app.Get("/plain", said)
	app.Get("/users/:id", said)
	app.Get("/cut/users/:id", said)
	app.Get("/order/:id", order)
	app.Post("/posted/:id", said)
	app.Get("/denied/:id", func(c *web.Ctx) error {
		c.Status(403)
		return said(c)
	})
	api := app.Group("/api/:version")
	api.Get("/files/*", said)
	app.Get("/panics/:id", func(c *web.Ctx) error {
		said(c)
		panic("it is recovered")
	})
	go app.Listener(l)
	fmt.Println("ready", os.Getpid(), port)
	io.Copy(io.Discard, os.Stdin)
}
