// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/hub"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// line is a network that can be cut between anybody and one address.
type line struct {
	mu   sync.Mutex
	down map[string]bool
	open map[string][]net.Conn
}

func newLine() *line { return &line{down: map[string]bool{}, open: map[string][]net.Conn{}} }

var errDown = errors.New("the line is down")

func (l *line) cut(address string, down bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.down[address] = down
	for _, conn := range l.open[address] {
		_ = conn.Close() // it may have ended before
	}
	delete(l.open, address)
}

// Dial connects where the line holds.
func (l *line) Dial(ctx context.Context, address string) (net.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down[address] {
		return nil, errDown
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err == nil {
		l.open[address] = append(l.open[address], conn)
	}
	return conn, err
}

// clinic is a hub that runs, with the line between it and the centre.
type clinic struct {
	*hub.Hub
	w      *world
	line   *line
	data   string
	server *server.Server
	listen string
	end    func()
}

// clinic makes a hub for divisions.
func (w *world) clinic(divisions ...record.Division) *clinic {
	w.t.Helper()
	c := &clinic{w: w, line: newLine(), data: w.t.TempDir(), listen: "127.0.0.1:0"}
	c.start()
	do(w.t, c.Join(w.t.Context(), w.hubInvitation(segment.RoleHub, divisions...)))
	w.t.Cleanup(func() { c.stop() })
	return c
}

func (w *world) hubInvitation(role segment.Role, divisions ...record.Division) string {
	w.t.Helper()
	i, err := w.server.Invite(w.t.Context(), w.county, syncengine.Rights{
		Role: role, Staff: []string{"clinic"}, Divisions: divisions,
		Classes: []record.Class{record.ClassGeneral, record.ClassSensitive}, Label: "clinic",
	}, time.Hour)
	return must(w.t, i, err).String()
}

func (c *clinic) dir() string { return filepath.Join(c.data, "hub") }

// start opens the hub and lets it serve, the second time where it was before.
func (c *clinic) start() {
	t := c.w.t
	t.Helper()
	h, err := hub.Open(t.Context(), hub.Config{
		Dir: c.dir(), Schema: care.Kinds(), Clock: c.w.clock.read, Rand: rand.Reader,
		Log: slog.New(slog.DiscardHandler), Dial: c.line.Dial,
	})
	c.Hub = must(t, h, err)
	s, err := server.New(t.Context(), server.Config{
		Data: c.data, Listen: c.listen, Schema: care.Kinds(), Clock: c.w.clock.read, Rand: rand.Reader,
		Log: slog.New(slog.DiscardHandler), Hub: c.Hub,
	})
	c.server = must(t, s, err)
	c.end = serve(t, s)
	c.listen = s.Address()
}

func (c *clinic) stop() {
	c.end()
	if c.Hub != nil {
		do(c.w.t, c.Close())
	}
	c.Hub = nil
}

func (c *clinic) invitation() string {
	return c.Invitation(c.server.Addresses(), c.server.Pin()).String()
}

// up syncs the hub with the centre.
func (c *clinic) up() replica.Report {
	c.w.t.Helper()
	r, err := c.Sync(c.w.t.Context())
	if must(c.w.t, r, err); !r.Complete && !r.Revoked {
		c.w.t.Fatalf("the hub's sync came not to its end: %+v", r)
	}
	return r
}

func (c *clinic) wantWaiting(saves int) hub.Status {
	c.w.t.Helper()
	s, err := c.Status(c.w.t.Context())
	if must(c.w.t, s, err); s.Waiting != saves || (s.SinceMs > 0) != (saves > 0) {
		c.w.t.Fatalf("%d saves wait since %d, want %d", s.Waiting, s.SinceMs, saves)
	}
	return s
}

// copyTo copies the hub's folder while it is stopped; putBack puts a copy in its place.
func (c *clinic) copyTo(dir string) {
	c.w.t.Helper()
	do(c.w.t, os.CopyFS(dir, os.DirFS(c.data)))
}

func (c *clinic) putBack(dir string) {
	c.w.t.Helper()
	do(c.w.t, os.RemoveAll(c.data))
	do(c.w.t, os.CopyFS(c.data, os.DirFS(dir)))
	do(c.w.t, filepath.WalkDir(c.data, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".key" {
			return err
		}
		return os.Chmod(path, 0o600)
	}))
}

// knows makes a tablet know hubs, and takes it where only the line decides who answers.
func (x *tab) knows(l *line, hubs ...*clinic) *tab {
	x.t.Helper()
	for _, c := range hubs {
		h, err := x.AddHub(c.invitation(), "")
		must(x.t, h, err)
	}
	x.sync.Dialer, x.sync.Tries = l, 1
	return x
}

// by syncs with one hub.
func (x *tab) by(c *clinic) {
	x.t.Helper()
	with := x.sync.With
	defer func() { x.sync.With = with }()
	x.sync.With = c.listen
	r, err := x.Sync(x.t.Context(), x.sync)
	if must(x.t, r, err); !r.AtHub || r.With != c.listen {
		x.t.Fatalf("synced with %q: %+v", r.With, r)
	}
}

// anyhow syncs with whoever answers, and says whom.
func (x *tab) anyhow() string {
	x.t.Helper()
	r, err := x.Sync(x.t.Context(), x.sync)
	return must(x.t, r, err).With
}
