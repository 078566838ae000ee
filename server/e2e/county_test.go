// SPDX-License-Identifier: Apache-2.0

package e2e_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/tablet"
)

const (
	secret   = "618203"
	village  = "130403001001"
	village2 = "130403001002"
	township = "130403001"
)

// clock is a clock that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) NowMs() int64 { return c.read().UnixMilli() }

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// world is a server with one county.
type world struct {
	t      *testing.T
	clock  *clock
	server *server.Server
	county *county.County

	data   string
	listen string
	stores map[string]*memstore.Store // by file name
	over   func(*memstore.Store) syncengine.Store
	end    func() // ends the server
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldOver(t, func(s *memstore.Store) syncengine.Store { return kept{s} })
}

// newWorldOver is a world whose county keeps its records in a store of the test's.
func newWorldOver(t *testing.T, over func(*memstore.Store) syncengine.Store) *world {
	t.Helper()
	w := &world{
		t: t, clock: &clock{now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)},
		data: t.TempDir(), listen: "127.0.0.1:0", stores: map[string]*memstore.Store{}, over: over,
	}
	w.start()
	t.Cleanup(func() { w.end() })
	return w
}

// start starts the server, the second time where it was before.
func (w *world) start() {
	w.t.Helper()
	s, err := server.New(w.t.Context(), server.Config{
		Data: w.data, Listen: w.listen, Schema: care.Kinds(), Clock: w.clock.read, Rand: rand.Reader,
		Log: slog.New(slog.DiscardHandler), CertificateLife: 100 * 24 * time.Hour, OpenStore: w.openStore,
	})
	w.server = must(w.t, s, err)
	c, err := s.County(w.t.Context(), "130403")
	w.county = must(w.t, c, err)
	w.end = serve(w.t, s)
	w.listen = s.Address()
}

func (w *world) openStore(path string, create bool) (syncengine.Store, error) {
	name := filepath.Base(path)
	if create {
		w.stores[name] = memstore.New()
	}
	return w.over(w.stores[name]), nil
}

// serve lets a server serve and returns what ends it.
func serve(t *testing.T, s *server.Server) (end func()) {
	t.Helper()
	do(t, s.Listen())
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	return sync.OnceFunc(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
}

// kept is a store in memory that outlives its closing.
type kept struct{ *memstore.Store }

func (kept) Close() error { return nil }

func (w *world) invite(divisions []record.Division, staff ...string) string {
	w.t.Helper()
	i, err := w.server.Invite(w.t.Context(), w.county, syncengine.Rights{
		Role: segment.RoleTablet, Staff: staff, Divisions: divisions, Classes: []record.Class{record.ClassGeneral}, Label: "tablet of " + staff[0],
	}, time.Hour)
	return must(w.t, i, err).String()
}

// tab is a tablet with what tests ask of it.
type tab struct {
	*tablet.Tablet
	t    *testing.T
	opts *tablet.Options
	sync *tablet.SyncOptions
}

func (w *world) blank() *tab {
	w.t.Helper()
	return w.blankBy(w.clock)
}

// blankBy is a tablet that goes by a clock of its own.
func (w *world) blankBy(c *clock) *tab {
	w.t.Helper()
	o := &tablet.Options{Dir: filepath.Join(w.t.TempDir(), "tablet"), CheapSecrets: true, Clock: c}
	tb, err := tablet.Create(o, secret)
	x := &tab{Tablet: must(w.t, tb, err), t: w.t, opts: o, sync: &tablet.SyncOptions{}}
	w.t.Cleanup(func() { x.Close() })
	return x
}

func (w *world) tablet(staff string, divisions ...record.Division) *tab {
	w.t.Helper()
	x := w.blank()
	do(w.t, x.Enrol(w.t.Context(), w.invite(divisions, staff), staff, nil))
	return x
}

// reopen opens a tablet that was closed, or a copy of one.
func (w *world) reopen(dir string) *tab {
	w.t.Helper()
	o := &tablet.Options{Dir: dir, CheapSecrets: true, Clock: w.clock}
	tb, err := tablet.OpenWith(o, secret)
	x := &tab{Tablet: must(w.t, tb, err), t: w.t, opts: o, sync: &tablet.SyncOptions{}}
	w.t.Cleanup(func() { x.Close() })
	return x
}

func (x *tab) add(kind, subject, division, values string) *tablet.Saved {
	x.t.Helper()
	s, err := x.Add(kind, subject, division, values, "")
	return must(x.t, s, err)
}

func (x *tab) save(form, values string) *tablet.Saved {
	x.t.Helper()
	s, err := x.Save(form, values, "")
	return must(x.t, s, err)
}

func (x *tab) show(id string) *tablet.Record {
	x.t.Helper()
	r, err := x.Get(id)
	return must(x.t, r, err)
}

func (x *tab) run() *tablet.SyncReport {
	x.t.Helper()
	r, err := x.Sync(x.t.Context(), x.sync)
	if must(x.t, r, err); !r.Complete {
		x.t.Fatalf("sync came not to its end: %+v", r)
	}
	return r
}

func (x *tab) wantState(id, state, reason string) {
	x.t.Helper()
	if r := x.show(id); r.State != state || r.Reason != reason {
		x.t.Fatalf("record is %q (%s), want %q (%s)", r.State, r.Reason, state, reason)
	}
}

func (x *tab) status() *tablet.Status {
	x.t.Helper()
	s, err := x.Status()
	return must(x.t, s, err)
}

func (x *tab) warned(warning string) bool {
	x.t.Helper()
	l := x.status().Warnings()
	for i := range l.Len() {
		if l.At(i) == warning {
			return true
		}
	}
	return false
}

func must[T any](t *testing.T, v T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantReason(t *testing.T, err error, reason string) {
	t.Helper()
	if tablet.ReasonOf(err) != reason {
		t.Fatalf("%v: reason %q, want %q", err, tablet.ReasonOf(err), reason)
	}
}

// value returns one field of a form's JSON.
func value(t *testing.T, text, field string) any {
	t.Helper()
	var m map[string]any
	do(t, json.Unmarshal([]byte(text), &m))
	return m[field]
}

// scissors cut the first connections, each after so many bytes from the server.
type scissors struct {
	mu    sync.Mutex
	after []int
	cuts  int
}

func (s *scissors) Dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.after) == 0 {
		return conn, nil
	}
	left := s.after[0]
	s.after = s.after[1:]
	return &cable{Conn: conn, s: s, left: left}, nil
}

func (s *scissors) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cuts
}

// cable is a connection that breaks.
type cable struct {
	net.Conn
	s    *scissors
	left int // touched by the one reader only
}

func (c *cable) Read(b []byte) (int, error) {
	if c.left <= 0 {
		c.cut()
		return 0, net.ErrClosed
	}
	n, err := c.Conn.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

func (c *cable) cut() {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.s.cuts++
	_ = c.Close() // the other end shall notice
}

func divisions(d ...record.Division) []record.Division { return d }

// wantNowhere reads every file under dir.
func wantNowhere(t *testing.T, dir string, texts ...string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		for _, text := range texts {
			if bytes.Contains(raw, []byte(text)) {
				t.Errorf("%s has %q in clear", filepath.Base(path), text)
			}
		}
		return err
	})
	do(t, err)
}
