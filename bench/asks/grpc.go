package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"strconv"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

const method = "/bench.Greeter/Hello"

func goGRPC(address string, i int) func() {
	c, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(err)
	return func() {
		check(c.Invoke(context.Background(), method, wrapperspb.String(strconv.Itoa(i)), new(wrapperspb.StringValue)))
	}
}

// The fields of a request, of which none goes into a table.
func fields(address string) []byte {
	var block bytes.Buffer
	to := hpack.NewEncoder(&block)
	for _, f := range [][2]string{{":method", "POST"}, {":scheme", "http"}, {":path", method}, {":authority", address},
		{"content-type", "application/grpc"}, {"user-agent", "asks"}, {"te", "trailers"}} {
		check(to.WriteField(hpack.HeaderField{Name: f[0], Value: f[1], Sensitive: true}))
	}
	return block.Bytes()
}

func rawGRPC(address string, _ int) func() {
	const window = 1 << 14 // after so many bytes the server is told that there is room for more
	c, err := net.Dial("tcp", address)
	check(err)
	var out bytes.Buffer
	framer := http2.NewFramer(&out, bufio.NewReader(c))
	framer.SetReuseFrames()
	send := func() {
		_, err := out.WriteTo(c)
		check(err)
	}
	out.WriteString(http2.ClientPreface)
	check(framer.WriteSettings())
	send()
	block, body := fields(address), []byte("\x00\x00\x00\x00\x04\n\x02hi")
	stream, taken := uint32(1), uint32(0)
	return func() {
		check(framer.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block, EndHeaders: true}))
		check(framer.WriteData(stream, true, body))
		send()
		for answered := false; !answered; {
			frame, err := framer.ReadFrame()
			check(err)
			switch f := frame.(type) {
			case *http2.SettingsFrame:
				if !f.IsAck() {
					check(framer.WriteSettingsAck())
				}
			case *http2.PingFrame:
				if !f.IsAck() {
					check(framer.WritePing(true, f.Data))
				}
			case *http2.DataFrame:
				taken += f.Length
			case *http2.HeadersFrame:
				answered = f.StreamEnded()
			case *http2.RSTStreamFrame, *http2.GoAwayFrame:
				check(fmt.Errorf("no answer: %v", f))
			}
		}
		if taken > window {
			check(framer.WriteWindowUpdate(0, taken))
			taken = 0
		}
		send()
		stream += 2
	}
}
