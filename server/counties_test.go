// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/server/rpc"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

func defaultLimits() rpc.Limits { return rpc.DefaultLimits() }

func TestOneServerHoldsSeveralCounties(t *testing.T) {
	s := servertest.Start(t)
	other, err := s.Server.County(t.Context(), "130404")
	if err != nil {
		t.Fatal(err)
	}
	same, err := s.Server.County(t.Context(), "130404")
	if err != nil || same != other {
		t.Errorf("the same county again is another, %v", err)
	}
	var codes []string
	for _, c := range s.Counties() {
		codes = append(codes, c.Code)
	}
	if !slices.Equal(codes, []string{servertest.Code, "130404"}) {
		t.Errorf("counties %v", codes)
	}
	// A tablet of the one is nobody in the other.
	d, shard := s.Enrol(servertest.Doctor("zhang")), other.Shard()
	_, err = d.Enrolment.Login(d.Context(), &syncv1.LoginRequest{
		Shard: shard[:], Who: &syncv1.LoginRequest_Certificate{Certificate: d.Cert.Raw},
	})
	wantReason(t, "login with a certificate of the neighbour", err, badLogin)
	d.Create(servertest.Village, "139")
	seg := d.Seal()
	d.PushSegments(seg)
	reply, err := other.Engine.Push(t.Context(), session.PushRequest{
		Segments: [][]byte{seg.Bytes()}, Certificates: [][]byte{d.Cert.Raw},
	})
	if err != nil || reply.Results[0].Outcome != session.OutcomeRefused {
		t.Errorf("a segment of the neighbour: %+v, %v", reply, err)
	}
}

func TestCountyCodesAreChecked(t *testing.T) {
	s := servertest.Start(t)
	for _, code := range []string{"", "1304", "13040x", "../../etc", "1304030"} {
		if _, err := s.Server.County(t.Context(), code); !errors.Is(err, county.ErrCode) {
			t.Errorf("%q: %v", code, err)
		}
	}
}

// A county whose making was cut off is not there.
func TestHalfMadeCountyIsNotOpened(t *testing.T) {
	data := t.TempDir()
	if err := os.MkdirAll(filepath.Join(data, ".new-00112233445566778899aabbccddeeff"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := servertest.Start(t, func(c *server.Config) { c.Data = data })
	if n := len(s.Counties()); n != 1 {
		t.Errorf("%d counties", n)
	}
}

func TestConfigurationIsChecked(t *testing.T) {
	good := server.Config{
		Data: t.TempDir(), Schema: servertest.Schema{}, Clock: (&servertest.Clock{}).Now, Rand: rand.Reader,
		Log: slog.New(slog.DiscardHandler),
	}
	for name, change := range map[string]func(*server.Config){
		"no data folder":     func(c *server.Config) { c.Data = "" },
		"no clock":           func(c *server.Config) { c.Clock = nil },
		"no port":            func(c *server.Config) { c.Addresses = []string{"192.168.1.10"} },
		"many addresses":     func(c *server.Config) { c.Addresses = slices.Repeat([]string{"a:1"}, 5) },
		"data folder a file": func(c *server.Config) { c.Data = os.Args[0] },
	} {
		cfg := good
		change(&cfg)
		if s, err := server.New(t.Context(), cfg); err == nil {
			t.Errorf("%s: opened", name)
			_ = s.Close()
		}
	}
}

// The store as shipped: files on disk, and a second start.
func TestServerWithFilesOnDisk(t *testing.T) {
	data := t.TempDir()
	onDisk := func(c *server.Config) { c.Data, c.OpenStore = data, nil }
	s := servertest.Start(t, onDisk)
	d := s.Enrol(servertest.Doctor("zhang"))
	id, _ := d.Create(servertest.Village, "139")
	d.PushSegments(d.Seal())
	if _, err := server.New(t.Context(), server.Config{
		Data: data, Schema: servertest.Schema{}, Clock: s.Clock.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	}); err == nil {
		t.Error("a second server opened the same folder")
	}
	s.Stop()

	s = servertest.Start(t, onDisk)
	if len(s.Counties()) != 1 {
		t.Fatalf("%d counties", len(s.Counties()))
	}
	if _, err := s.County.Engine.Get(t.Context(), id); err != nil {
		t.Error(err)
	}
}

// counted counts reads that ended and writes that began. The first write waits until
// so many reads ended.
type counted struct {
	syncengine.Store
	on            *atomic.Bool
	views, writes *atomic.Int64
	wait          int64
	enough        chan struct{}
	once          *sync.Once
}

func (c counted) View(ctx context.Context, f func(syncengine.Reader) error) error {
	err := c.Store.View(ctx, f)
	if c.on.Load() && c.views.Add(1) == c.wait {
		close(c.enough)
	}
	return err
}

func (c counted) Update(ctx context.Context, f func(syncengine.Tx) error) error {
	if c.on.Load() {
		c.writes.Add(1)
		c.once.Do(func() { <-c.enough })
	}
	return c.Store.Update(ctx, f)
}

// Pushes that come while one is being written are written together.
func TestPushesShareCommits(t *testing.T) {
	const devices = 20
	c := counted{
		on: &atomic.Bool{}, views: &atomic.Int64{}, writes: &atomic.Int64{}, wait: devices, enough: make(chan struct{}), once: &sync.Once{},
	}
	s := servertest.Start(t, func(cfg *server.Config) {
		inner := cfg.OpenStore
		cfg.OpenStore = func(path string, create bool) (syncengine.Store, error) {
			store, err := inner(path, create)
			c.Store = store
			return c, err
		}
	})
	var all []*servertest.Device
	for range devices {
		d := s.Enrol(servertest.Doctor("zhang"))
		d.Create(servertest.Village, "139")
		all = append(all, d)
	}
	c.on.Store(true)
	var group sync.WaitGroup
	for _, d := range all {
		seg := d.Seal()
		group.Go(func() {
			reply, err := d.Push(session.PushRequest{Segments: [][]byte{seg.Bytes()}})
			if err != nil || reply.Results[0].Outcome != session.OutcomeStored {
				t.Errorf("%+v, %v", reply, err)
			}
		})
	}
	group.Wait()
	if n := c.writes.Load(); n > devices/2 {
		t.Errorf("%d pushes took %d commits", devices, n)
	}
}
