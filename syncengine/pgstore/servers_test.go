// SPDX-License-Identifier: Apache-2.0

//go:build unix

package pgstore_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/pgstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const kindNote record.Kind = 100

// notes knows one kind.
type notes struct{}

func (notes) Lookup(k record.Kind) (record.KindInfo, bool) {
	return record.KindInfo{
		Kind: k, Name: "note", Class: record.ClassGeneral, Boundary: func(record.Path) record.Boundary { return record.BoundaryExact },
	}, k == kindNote
}

// county is a shard with any number of servers, each a process's worth of connections and an engine of its own.
type county struct {
	t   *testing.T
	key ed25519.PrivateKey
}

func newCounty(t *testing.T) county {
	t.Helper()
	if database == nil {
		t.Skip("no PostgreSQL")
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := county{t, key}
	if _, err := syncengine.Create(t.Context(), c.config()); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c county) config() syncengine.Config {
	c.t.Helper()
	d, err := pgstore.Connect(c.t.Context(), dsn)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(d.Close)
	key := segment.KeySigner(c.key)
	s, err := d.Open(c.t.Context(), segment.ShardOf(key.Public()), true)
	if err != nil {
		c.t.Fatal(err)
	}
	return syncengine.Config{Store: s, ShardKey: key, Clock: time.Now, Rand: rand.Reader, Schema: notes{}}
}

// server starts one.
func (c county) server() *syncengine.Engine {
	c.t.Helper()
	e, err := syncengine.Open(c.t.Context(), c.config())
	if err != nil {
		c.t.Fatal(err)
	}
	return e
}

func note(value string, parents ...causal.Dot) record.Change {
	return record.Change{Path: record.Field(1), Value: record.Of([]byte(value)), Parents: parents}
}

func newNote(value string) syncengine.OfficeSave {
	return syncengine.OfficeSave{Kind: kindNote, Changes: []record.Change{
		note(value), {Path: record.PathScope, Value: record.Of([]byte("110101001001"))}, {Path: record.PathLife, Value: record.Active()},
	}}
}

// shown is the note that a record shows.
func shown(v syncengine.RecordView) string {
	for _, g := range v.State.Registers() {
		if g.Path == record.Field(1) {
			return string(g.Siblings[0].Value.Bytes)
		}
	}
	return ""
}

// Servers that know nothing of each other save through one database, all at once: every save that was
// answered is there, each position and each counter was given once, and the ledger is one.
func TestServersShareADatabase(t *testing.T) {
	c := newCounty(t)
	const servers, writers, each = 3, 3, 12
	var mu sync.Mutex
	made := map[record.ID]string{}
	dots := map[causal.Dot]bool{}
	var all sync.WaitGroup
	one := c.server()
	for s := range servers {
		e := c.server()
		for w := range writers {
			all.Go(func() {
				for i := range each {
					value := fmt.Sprintf("%d/%d/%d", s, w, i)
					saved, err := e.Save(t.Context(), "zhang", newNote(value))
					if err != nil {
						t.Errorf("save %s: %v", value, err)
						return
					}
					// It is shown by another server at once.
					view, err := one.Get(t.Context(), saved[0].Record)
					if err != nil {
						t.Errorf("%s is not shown by another server: %v", value, err)
						return
					}
					if got := shown(view); got != value {
						t.Errorf("another server shows %q, saved was %q", got, value)
					}
					mu.Lock()
					if dots[saved[0].Dot] {
						t.Errorf("the dot %s was given twice", saved[0].Dot)
					}
					made[saved[0].Record], dots[saved[0].Dot] = value, true
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	if len(made) != servers*writers*each {
		t.Fatalf("%d records, want %d", len(made), servers*writers*each)
	}
	fresh := c.server()
	r, err := fresh.Verify(t.Context(), syncengine.VerifyOptions{Replay: true})
	if err != nil || !r.OK() || r.Records < int64(len(made)) {
		t.Errorf("verify: %v, %+v", err, r)
	}
	if err := one.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if one.Position() != fresh.Position() || one.Size() != fresh.Size() {
		t.Errorf("one server stands at %d of %d, another at %d of %d", one.Position(), one.Size(), fresh.Position(), fresh.Size())
	}
}

// Connections are cut all the time while servers save: whatever they answered is there, once, and what
// they were told is not there can be saved again.
func TestServersWhoseConnectionsAreCutLoseNothing(t *testing.T) {
	c := newCounty(t)
	servers := []*syncengine.Engine{c.server(), c.server()}
	stop, cut := context.WithCancel(t.Context())
	var cutter sync.WaitGroup
	cuts := int64(0)
	cutter.Go(func() {
		own, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Error(err)
			return
		}
		defer own.Close(context.Background()) //nolint:errcheck // nothing is lost with it
		for stop.Err() == nil {
			done, _ := own.Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%xz_%' AND random() < 0.3`)
			cuts += done.RowsAffected()
			time.Sleep(15 * time.Millisecond)
		}
	})
	var mu sync.Mutex
	answered, doubtful := map[record.ID]string{}, 0
	var all sync.WaitGroup
	for s, e := range servers {
		all.Go(func() {
			for i := range 60 {
				value := fmt.Sprintf("%d/%d", s, i)
				saved, err := e.Save(t.Context(), "zhang", newNote(value))
				mu.Lock()
				switch {
				case err == nil:
					answered[saved[0].Record] = value
				case errors.Is(err, syncengine.ErrAgain), errors.Is(err, syncengine.ErrUncertain), errors.Is(err, pgstore.ErrUnreachable):
					doubtful++
				default:
					t.Errorf("save %s: %v", value, err)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	cut()
	cutter.Wait()
	t.Logf("%d connections cut, %d saves answered, %d in doubt", cuts, len(answered), doubtful)
	if len(answered) == 0 || cuts == 0 {
		t.Fatal("none was answered: the test is of no use")
	}
	fresh := c.server()
	for id, value := range answered {
		view, err := fresh.Get(t.Context(), id)
		if err != nil || shown(view) != value {
			t.Errorf("save %s is lost: %v", value, err)
		}
	}
	r, err := fresh.Verify(t.Context(), syncengine.VerifyOptions{Replay: true})
	if err != nil || !r.OK() {
		t.Errorf("verify: %v, %+v", err, r)
	}
}
