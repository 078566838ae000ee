// SPDX-License-Identifier: Apache-2.0

package hub

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// direct is a centre without a network.
type direct struct {
	*syncengine.Engine
	caller segment.Certificate
}

func (d direct) Hello(ctx context.Context, q session.HelloRequest) (session.HelloReply, error) {
	return d.Engine.Hello(ctx, d.caller, q)
}

func (d direct) Succeed(context.Context, []byte) ([]byte, error) { return nil, replica.ErrNotCentre }

func (d direct) Pull(ctx context.Context, q session.PullRequest, page func(session.Page) error) error {
	for {
		p, err := d.PullPage(ctx, d.caller, q)
		if err != nil {
			return err
		}
		if err := page(p); err != nil || p.Last != nil {
			return err
		}
		q.Cursor = p.Cursor
	}
}

const benchRecords = 20_000

// BenchmarkPull is a tablet's pull from a hub that holds benchRecords records: of all
// of them, and with nothing new.
func BenchmarkPull(b *testing.B) {
	h, engine := filled(b)
	defer h.Close()
	caller := certified(b, engine, segment.RoleTablet)
	pull := func(cursor []byte) (records int, next []byte) {
		err := h.Pull(b.Context(), caller, session.PullRequest{Cursor: cursor}, func(p session.Page) error {
			records, next = records+len(p.Bases), p.Cursor
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		return records, next
	}
	all, cursor := pull(nil)
	if all != benchRecords {
		b.Fatalf("%d records", all)
	}
	b.Run("everything", func(b *testing.B) {
		for b.Loop() {
			pull(nil)
		}
		b.ReportMetric(benchRecords*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
	b.Run("nothing new", func(b *testing.B) {
		for b.Loop() {
			if n, _ := pull(cursor); n != 0 {
				b.Fatalf("%d records", n)
			}
		}
	})
}

// filled returns a hub that has pulled benchRecords records of the office.
func filled(b *testing.B) (*Hub, *syncengine.Engine) {
	b.Helper()
	cfg := config(filepath.Join(b.TempDir(), "hub"))
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	engine, err := syncengine.Create(b.Context(), syncengine.Config{
		Store: memstore.New(), ShardKey: segment.KeySigner(key), Clock: cfg.Clock, Rand: rand.Reader, Schema: care.Kinds(),
	})
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; n < benchRecords; n += 100 {
		saves := make([]syncengine.OfficeSave, 100)
		for i := range saves {
			saves[i] = syncengine.OfficeSave{
				Kind: care.KindResident, Changes: []record.Change{
					{Path: record.PathScope, Value: record.Of([]byte("130403001001"))},
					{Path: record.Field(1), Value: record.Of([]byte("synthetic"))},
				},
			}
		}
		if _, err := engine.Save(b.Context(), "office", saves...); err != nil {
			b.Fatal(err)
		}
	}
	h, err := Open(b.Context(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	pub, err := h.replica.PublicKey(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	cert, err := engine.Certify(b.Context(), rights(segment.RoleHub), pub)
	if err != nil {
		b.Fatal(err)
	}
	if err := h.replica.Enrol(b.Context(), engine.ShardKey(), cert.Raw); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	if r, err := h.replica.Sync(b.Context(), direct{engine, cert}, replica.Options{}); err != nil || r.Bases != benchRecords {
		b.Fatalf("%+v, %v", r, err)
	}
	b.Logf("the hub took %d records in %v", benchRecords, time.Since(began).Round(time.Millisecond))
	return h, engine
}

func rights(role segment.Role) syncengine.Rights {
	return syncengine.Rights{
		Role: role, Staff: []string{"li"}, Divisions: []record.Division{"130403"}, Classes: []record.Class{record.ClassGeneral, record.ClassSensitive},
	}
}

func certified(b *testing.B, engine *syncengine.Engine, role segment.Role) segment.Certificate {
	b.Helper()
	pub, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	cert, err := engine.Certify(b.Context(), rights(role), pub)
	if err != nil {
		b.Fatal(err)
	}
	return cert
}
