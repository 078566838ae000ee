// SPDX-License-Identifier: Apache-2.0

package hostile_test

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/rpc"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/transport"
)

// Frames of HTTP/2 (RFC 9113) that a client begins with.
const (
	preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

	data         = 0
	headers      = 1
	settings     = 4
	continuation = 9
	endHeaders   = 4
)

func frame(kind, flags byte, stream uint32, payload []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(payload))<<8|uint32(kind))
	b = append(b, flags)
	return append(binary.BigEndian.AppendUint32(b, stream), payload...)
}

// field returns a header as HPACK (RFC 7541) has it, literally. Name and value must be
// shorter than 127 bytes.
func field(name, value string) []byte {
	return slices.Concat([]byte{0, byte(len(name))}, []byte(name), []byte{byte(len(value))}, []byte(value))
}

// call is the header block of a login.
func call() []byte {
	return slices.Concat(
		field(":method", "POST"), field(":scheme", "https"), field(":authority", "centre"),
		field(":path", "/xunzhen.sync.v1.EnrolmentService/Login"), field("content-type", "application/grpc"), field("te", "trailers"),
	)
}

// loris is a client that says something and then goes on as slowly as it can.
type loris struct {
	name    string
	secured bool // after the TLS handshake
	first   []byte
	next    []byte // is sent again and again
}

func lorises() []loris {
	begun := slices.Concat([]byte(preface), frame(settings, 0, 0, nil))
	return []loris{
		{"in the handshake", false, []byte{22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3}, []byte{0}},
		{"in the preface", true, []byte(preface[:3]), []byte{}},
		{"in its settings", true, append([]byte(preface), frame(settings, 0, 0, make([]byte, 600))[:9]...), []byte{0}},
		{"in its headers", true, slices.Concat(begun, frame(headers, 0, 1, call())), frame(continuation, 0, 1, nil)},
		{"in headers that grow", true, slices.Concat(begun, frame(headers, 0, 1, call())), frame(continuation, 0, 1, field("x", "y"))},
		{"in a message", true, slices.Concat(begun, frame(headers, endHeaders, 1, call()), frame(data, 0, 1, []byte{0, 0, 8, 0, 0})), frame(data, 0, 1, []byte{0})},
	}
}

// drip writes what a client has left, every few milliseconds, until it is cut off.
func (l loris) drip(conn net.Conn) {
	for tick := time.NewTicker(5 * time.Millisecond); ; <-tick.C {
		if _, err := conn.Write(l.next); err != nil {
			tick.Stop()
			return
		}
	}
}

// However slowly a client speaks, at whichever point of a connection: it is cut off by
// the time that a connection, or a request, may take, and holds up nobody.
func TestSlowClientsAreCutOff(t *testing.T) {
	t.Parallel()
	s := servertest.Start(t, func(c *server.Config) {
		c.Handshake, c.Idle = 100*time.Millisecond, 100*time.Millisecond
		c.Limits = rpc.DefaultLimits()
		c.Limits.Read = 100 * time.Millisecond
	})
	for _, l := range lorises() {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, s, l.secured)
			if _, err := conn.Write(l.first); err != nil {
				t.Fatal(err)
			}
			go l.drip(conn)
			if err := conn.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection is still open")
			}
		})
	}
	if _, err := s.Enrol(servertest.Doctor("zhang")).Hello(session.HelloRequest{}); err != nil {
		t.Errorf("another one: %v", err)
	}
}

func connect(t *testing.T, s *servertest.Server, secured bool) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if !secured {
		return conn
	}
	cfg := transport.ClientTLS(s.Pin())
	cfg.NextProtos = []string{"h2"}
	over := tls.Client(conn, cfg)
	if err := over.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	return over
}
