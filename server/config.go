// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"time"

	"github.com/xunzhen/xunzhen/server/admission"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/server/findings"
	"github.com/xunzhen/xunzhen/server/rpc"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Config is what a Server is made of. Data, Schema, Clock, Rand and Log must be
// given; zero means the default elsewhere.
type Config struct {
	// Data is the folder with everything the server keeps.
	Data string
	// Listen is where to listen, host:port; default :7443. Port 0 takes a free one.
	Listen string
	// Addresses are what invitations name, host:port, best first, at most 4. Default:
	// the addresses of this machine's network cards with the port of Listen.
	Addresses []string
	// Names are host names and IP addresses for the TLS certificate beside those of
	// Addresses. Tablets do not look at them, browsers do.
	Names []string

	Schema record.Schema
	// Rules are the pack for counties without one of their own; nil: nothing is looked for.
	Rules findings.Rules
	Clock func() time.Time
	Rand  io.Reader
	Log   *slog.Logger

	// Hub makes the server one of a clinic hub, without counties; nil: it is a centre.
	// Data then has the server's TLS authority only.
	Hub Hub

	// OpenStore opens the store in a file; create is true for a new county. Default:
	// package sqlitestore.
	OpenStore func(path string, create bool) (syncengine.Store, error)
	// CertificateLife and Batch are those of syncengine.Config.
	CertificateLife time.Duration
	Batch           int

	// Room returns the free bytes and the size of a folder's disk, -1 for not known;
	// default: what the system says.
	Room func(dir string) (free, size int64)
	// Observer is told of what goes on, for figures; nil: nobody is.
	Observer Observer

	// Limits of calls; default rpc.DefaultLimits.
	Limits rpc.Limits
	// Arrivals bound connections; default DefaultArrivals.
	Arrivals admission.Arrivals
	// Handshake is how long a connection may take to become one; default 10 s.
	Handshake time.Duration
	// Idle is how long a connection without calls stays; default 2 minutes.
	Idle time.Duration
	// Drain is how long calls may go on after Serve was told to end; default 15 s.
	Drain time.Duration
}

// Hub is what a server needs of a clinic hub: package hub has one.
type Hub interface {
	rpc.Hub
	// CheckWritable returns why the hub's store cannot be written now; nil: it can.
	CheckWritable(ctx context.Context) error
}

const defaultListen = ":7443"

// DefaultArrivals suit a county of a thousand tablets. A connection costs about 100 KiB
// at most while it is not calling. A hospital's tablets often share one address: all of
// them may come at once, and then each every ten seconds.
func DefaultArrivals() admission.Arrivals {
	return admission.Arrivals{
		Total: 1024, PerAddress: 256, Rate: admission.Budget{PerSecond: 25, Burst: 256}, Hold: time.Second, Held: 512,
	}
}

// hub returns the hub as package rpc asks for it; nil for a centre.
func (c Config) hub() rpc.Hub {
	if c.Hub == nil {
		return nil // and not an interface that holds nothing
	}
	return c.Hub
}

func (c Config) check() error {
	switch {
	case c.Data == "":
		return errors.New("no data folder")
	case c.Schema == nil || c.Clock == nil || c.Rand == nil || c.Log == nil:
		return errors.New("schema, clock, randomness and logger must be given")
	case len(c.Addresses) > 0:
		return session.CheckAddresses(c.Addresses)
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = defaultListen
	}
	if c.OpenStore == nil {
		c.OpenStore = openSQLite
	}
	if c.Limits == (rpc.Limits{}) {
		c.Limits = rpc.DefaultLimits()
	}
	if c.Room == nil {
		c.Room = sqlitefile.Room
	}
	c.Arrivals = orElse(c.Arrivals, DefaultArrivals())
	c.Handshake = orElse(c.Handshake, 10*time.Second)
	c.Idle = orElse(c.Idle, 2*time.Minute)
	c.Drain = orElse(c.Drain, 15*time.Second)
	return c
}

// Means are what counties are run with by a server of this configuration.
func (c Config) Means() county.Means {
	c = c.withDefaults()
	return county.Means{
		OpenStore: c.OpenStore, Schema: c.Schema, Rules: c.Rules, Clock: c.Clock, Rand: c.Rand, Log: c.Log,
		CertificateLife: c.CertificateLife, Batch: c.Batch,
	}
}

func orElse[T comparable](given, usual T) T {
	var zero T
	if given == zero {
		return usual
	}
	return given
}

// names returns what the TLS certificate bears.
func (c Config) names() ([]string, error) {
	out := append([]string{"localhost", "127.0.0.1", "::1"}, c.Names...)
	for _, a := range c.Addresses {
		host, _, err := net.SplitHostPort(a)
		if err != nil {
			return nil, fmt.Errorf("address: %w", err)
		}
		out = append(out, host)
	}
	if len(c.Addresses) > 0 {
		return out, nil
	}
	own, err := ownAddresses()
	return append(out, own...), err
}
