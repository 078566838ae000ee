// SPDX-License-Identifier: Apache-2.0

// Package servertest starts a whole server for tests: one county over stores in
// memory, real gRPC with TLS on loopback, and a clock that tests move. Nothing in it
// waits; what it starts ends with the test.
package servertest

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/transport"
)

// Code is the county's administrative code, Village a division in it.
const (
	Code                     = "130403"
	Village  record.Division = "130403001001"
	Village2 record.Division = "130403001002"
)

// Kinds of the schema that a Server has when the configuration names none: Note is
// general, Secret is sensitive, and no other is known.
const (
	Note   record.Kind = 100
	Secret record.Kind = 101
)

// Clock is a clock that stands still until it is moved.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Move moves the clock on.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Log is everything the server logged.
type Log struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	waits []logWait
}

type logWait struct {
	words []string
	seen  chan struct{}
}

// Write adds a line.
func (l *Log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waits = slices.DeleteFunc(l.waits, func(w logWait) bool {
		seen := !slices.ContainsFunc(w.words, func(word string) bool { return !bytes.Contains(b, []byte(word)) })
		if seen {
			close(w.seen)
		}
		return seen
	})
	return l.buf.Write(b)
}

// Seen returns a channel that is closed when a line with all these words is written
// from now on.
func (l *Log) Seen(words ...string) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := logWait{words, make(chan struct{})}
	l.waits = append(l.waits, w)
	return w.seen
}

// String returns all lines.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// Server is a running server with one county.
type Server struct {
	*server.Server
	County *county.County
	Clock  *Clock
	Log    *Log
	Stores *Stores

	t      testing.TB
	cancel context.CancelFunc
	ended  chan error
}

// Start starts a server. Each change may change the configuration first.
func Start(t testing.TB, change ...func(*server.Config)) *Server {
	t.Helper()
	s := &Server{
		t: t, Clock: &Clock{now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}, Log: &Log{}, Stores: &Stores{},
		ended: make(chan error, 1),
	}
	cfg := server.Config{
		Data: t.TempDir(), Listen: "127.0.0.1:0", Schema: Schema{}, Clock: s.Clock.Now, Rand: rand.Reader,
		Log: slog.New(slog.NewJSONHandler(s.Log, nil)), OpenStore: s.Stores.Open,
	}
	for _, c := range change {
		c(&cfg)
	}
	var err error
	if s.Server, err = server.New(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	if s.County, err = s.Server.County(t.Context(), Code); err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	s.cancel = cancel
	go func() { s.ended <- s.Serve(ctx) }()
	t.Cleanup(func() { s.Stop() })
	return s
}

// Stop ends the server and waits for it. A second time it does nothing.
func (s *Server) Stop() {
	s.t.Helper()
	s.cancel()
	if err := <-s.ended; err != nil {
		s.t.Errorf("serve: %v", err)
	}
	s.ended <- nil
	if err := s.Close(); err != nil {
		s.t.Errorf("close: %v", err)
	}
}

// StopLater begins to end the server and returns a channel that is closed when Serve
// has returned.
func (s *Server) StopLater() <-chan struct{} {
	s.cancel()
	done := make(chan struct{})
	go func() {
		s.ended <- <-s.ended
		close(done)
	}()
	return done
}

// Dial returns a connection that ends with the test.
func (s *Server) Dial(more ...grpc.DialOption) *grpc.ClientConn {
	s.t.Helper()
	conn, err := transport.Dial(s.Address(), s.Pin(), more...)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// Stores keeps stores in memory by the folder they would be in, over restarts of a
// server.
type Stores struct {
	mu     sync.Mutex
	byName map[string]*memstore.Store
}

// Open is a server.Config's OpenStore.
func (s *Stores) Open(path string, create bool) (syncengine.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.TrimPrefix(filepath.Base(filepath.Dir(path)), ".new-")
	store, ok := s.byName[name]
	switch {
	case create:
		store = memstore.New()
	case ok:
		store = store.Clone() // the one before was closed
	default:
		return nil, io.ErrUnexpectedEOF
	}
	if s.byName == nil {
		s.byName = map[string]*memstore.Store{}
	}
	s.byName[name] = store
	return store, nil
}

// Clone returns Stores that hold what these hold now: an older copy, later on.
func (s *Stores) Clone() *Stores {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := &Stores{byName: map[string]*memstore.Store{}}
	for name, store := range s.byName {
		out.byName[name] = store.Clone()
	}
	return out
}

// Schema knows the kinds of this package.
type Schema struct{}

// Lookup returns one of them.
func (Schema) Lookup(k record.Kind) (record.KindInfo, bool) {
	info := record.KindInfo{
		Kind: k, Name: "note", Class: record.ClassGeneral,
		Boundary: func(record.Path) record.Boundary { return record.BoundaryExact },
	}
	if k == Secret {
		info.Name, info.Class = "secret", record.ClassSensitive
	}
	return info, k == Note || k == Secret
}

// newKey makes a replica's key.
func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Clerk are the rights of a desk in some divisions, all of the county without any, for both privacy classes.
func Clerk(staff string, divisions ...record.Division) syncengine.Rights {
	r := Doctor(staff, divisions...)
	r.Role, r.Classes = segment.RoleOffice, []record.Class{record.ClassGeneral, record.ClassSensitive}
	return r
}

// Doctor are the rights of a tablet in some divisions, all of the county without any.
func Doctor(staff string, divisions ...record.Division) syncengine.Rights {
	if len(divisions) == 0 {
		divisions = []record.Division{Code}
	}
	return syncengine.Rights{
		Role: segment.RoleTablet, Staff: []string{staff}, Divisions: divisions, Classes: []record.Class{record.ClassGeneral},
	}
}
