// SPDX-License-Identifier: Apache-2.0

package remote_test

import (
	"context"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/transport/remote"
)

// line is what lies behind addresses: nothing that answers, something else, or f.
type line struct {
	f     *fake
	mu    sync.Mutex
	asked []string
}

func (l *line) dial(ctx context.Context, address string) (net.Conn, error) {
	l.mu.Lock()
	l.asked = append(l.asked, address)
	l.mu.Unlock()
	switch address {
	case "nowhere:1": // packets are dropped
		<-ctx.Done()
		return nil, ctx.Err()
	case "portal:1": // speaks another language
		return portal([]byte("HTTP/1.1 400 Bad Request\r\n\r\n")), nil
	case "silent:1": // accepts and says nothing
		return portal(nil), nil
	}
	return l.f.listener.DialContext(ctx)
}

// portal is a connection to something that reads all and answers the first bytes.
func portal(answer []byte) net.Conn {
	here, there := net.Pipe()
	go func() {
		defer there.Close()
		buf := make([]byte, 4096)
		if _, err := there.Read(buf); err != nil {
			return
		}
		if answer != nil {
			_, _ = there.Write(answer)
			return
		}
		for {
			if _, err := there.Read(buf); err != nil {
				return
			}
		}
	}()
	return here
}

func TestAnAddressThatIsNotTheCentreDoesNotHideTheNext(t *testing.T) {
	for name, addresses := range map[string][]string{
		"packets are dropped":                    {"nowhere:1", "good:1"},
		"something that is not TLS":              {"portal:1", "good:1"},
		"something that accepts and is silent":   {"silent:1", "good:1"},
		"all of them, and the right one is last": {"nowhere:1", "portal:1", "silent:1", "good:1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &line{f: newFake(t)}
			c, w := l.f.centre(func(cfg *remote.Config) {
				cfg.Addresses, cfg.Dial, cfg.Tries = addresses, l.dial, 1
			})
			began := time.Now()
			if err := hello(t, c); err != nil || len(w.all) > 0 {
				t.Fatalf("%v, asked %v, waits %v", err, l.asked, w.all)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			if c.Address() != "good:1" {
				t.Errorf("%s answered last", c.Address())
			}
		})
	}
}

func TestTheAddressThatAnsweredGoesFirst(t *testing.T) {
	l := &line{f: newFake(t)}
	var conns []net.Conn
	c, _ := l.f.centre(func(cfg *remote.Config) {
		cfg.Addresses = []string{"portal:1", "good:1"}
		cfg.Dial = func(ctx context.Context, address string) (net.Conn, error) {
			conn, err := l.dial(ctx, address)
			if address == "good:1" {
				conns = append(conns, conn)
			}
			return conn, err
		}
	})
	for range 2 {
		if err := hello(t, c); err != nil {
			t.Fatal(err)
		}
		conns[len(conns)-1].Close()
	}
	if want := []string{"portal:1", "good:1", "good:1"}; !slices.Equal(l.asked, want) {
		t.Fatalf("asked %v, want %v", l.asked, want)
	}
}
