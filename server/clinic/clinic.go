// SPDX-License-Identifier: Apache-2.0

// Package clinic is a clinic hub as an app links it: on a spare tablet that lies in the
// clinic, say, and serves the others over the local network.
//
//	c, err := clinic.Open(&clinic.Options{Dir: dir, Address: "192.168.43.1:7443"})
//	err = c.Join(code)         // once, with a code of the office for a hub
//	err = c.Start()            // serves tablets, and syncs with the centre by itself
//	text := c.Invitation()     // what the others add, as a QR code for example
//	err = c.Stop()
//
// The one invariant is the hub's: it vouches for nothing (package hub). The folder is
// the hub's own, not the tablet's: who works on the same device has a tablet beside it.
// As with package tablet, the surface can be bound for mobile.
package clinic

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/hub"
)

// Options say where a hub is. Dir must be given.
type Options struct {
	// Dir is the hub's folder, which is made if it is not there.
	Dir string
	// Listen is where to listen, host:port; empty: :7443. Port 0 takes a free one.
	Listen string
	// Address is host:port where others find this device. Empty: the addresses of its
	// network cards; Android does not tell apps those since version 11.
	Address string
	// Log takes lines of what went on, without names and measurements; nil: nobody.
	Log Log
}

// Log takes lines of text.
type Log interface {
	// Line takes one line without its end.
	Line(text string)
}

// Clinic is a hub, open. It is safe for concurrent use.
type Clinic struct {
	opts Options
	log  *slog.Logger
	hub  *hub.Hub

	mu      sync.Mutex
	server  *server.Server // nil while nobody is served
	stop    context.CancelFunc
	running sync.WaitGroup
}

var (
	errStarted = errors.New("it serves already")
	errStopped = errors.New("it does not serve")
)

// Open opens the hub in a folder, or makes one that is in no county yet.
func Open(o *Options) (*Clinic, error) {
	c := &Clinic{opts: *o, log: slog.New(slog.DiscardHandler)}
	if o.Log != nil {
		c.log = slog.New(slog.NewTextHandler(lines{o.Log}, nil))
	}
	var err error
	c.hub, err = hub.Open(context.Background(), hub.Config{
		Dir: filepath.Join(o.Dir, hub.Folder), Schema: care.Kinds(), Clock: time.Now, Rand: rand.Reader, Log: c.log,
	})
	if err != nil {
		return nil, fmt.Errorf("clinic: %w", err)
	}
	return c, nil
}

// Join makes the hub one of a county, by a code that the office made for a hub. Cut
// off, it may be called again with the same code.
func (c *Clinic) Join(code string) error { return c.hub.Join(context.Background(), code) }

// Joined reports whether the hub is in a county.
func (c *Clinic) Joined() bool {
	_, err := c.hub.Certificate(context.Background())
	return err == nil
}

// Start serves tablets and syncs with the centre until Stop.
func (c *Clinic) Start() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server != nil {
		return errStarted
	}
	s, err := server.New(context.Background(), c.config())
	if err != nil {
		return err
	}
	if err := s.Listen(); err != nil {
		return errors.Join(err, s.Close())
	}
	ctx, stop := context.WithCancel(context.Background())
	c.server, c.stop = s, stop
	c.running.Go(func() { c.hub.Run(ctx) })
	c.running.Go(func() {
		if err := errors.Join(s.Serve(ctx), s.Close()); err != nil {
			c.log.Error("clinic: serving ended", "err", err)
		}
	})
	return nil
}

func (c *Clinic) config() server.Config {
	cfg := server.Config{
		Data: c.opts.Dir, Listen: c.opts.Listen, Hub: c.hub,
		Schema: care.Kinds(), Clock: time.Now, Rand: rand.Reader, Log: c.log,
	}
	if c.opts.Address != "" {
		cfg.Addresses = []string{c.opts.Address}
	}
	return cfg
}

// Invitation returns the text by which tablets add this hub. It must have been started.
func (c *Clinic) Invitation() (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return "", errStopped
	}
	return c.hub.Invitation(c.server.Addresses(), c.server.Pin()).String(), nil
}

// Status is how a hub stands; times are UTC milliseconds since 1970, 0: never.
type Status struct {
	Waiting    int    // saves held here that are not known to be at the centre
	SinceMs    int64  // when the oldest of them came here
	LastSyncMs int64  // when a sync with the centre last came to its end
	Reason     string // why the last one failed; empty: it did not
	Revoked    bool   // the centre takes what the hub hands over and gives nothing
}

// Status returns how the hub stands now.
func (c *Clinic) Status() (*Status, error) {
	s, err := c.hub.Status(context.Background())
	return &Status{s.Waiting, s.SinceMs, s.LastSyncMs, s.Reason, s.Revoked}, err
}

// Stop lets calls in progress end and takes no more. Start may follow.
func (c *Clinic) Stop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.server == nil {
		return
	}
	c.stop()
	c.running.Wait()
	c.server = nil
}

// Close stops and closes the hub.
func (c *Clinic) Close() error {
	c.Stop()
	return c.hub.Close()
}

// lines is a Log as a writer; a log handler writes one line at a time.
type lines struct{ log Log }

func (l lines) Write(b []byte) (int, error) {
	n := len(b)
	if n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
	}
	l.log.Line(string(b))
	return n, nil
}
