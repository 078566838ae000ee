// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"context"
	"crypto/ed25519"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	centrestore "github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/replica/memstore"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

const (
	kindPerson record.Kind = 16
	kindSecret record.Kind = 101
	kindNotice record.Kind = 102 // for everybody, and the centre's alone
	kindDecree record.Kind = 103 // the centre's alone

	villageA record.Division = "130403001001"
	villageB record.Division = "130403001002"
	county   record.Division = "130403"
)

var (
	phone   = record.Field(1)
	address = record.Field(2)
)

type schema struct{}

func (schema) Lookup(k record.Kind) (record.KindInfo, bool) {
	info := record.KindInfo{Kind: k, Name: "person", Class: record.ClassGeneral, Boundary: func(record.Path) record.Boundary { return record.BoundaryExact }}
	if k == kindSecret {
		info.Class = record.ClassSensitive
	}
	if k == kindNotice {
		info.Class = record.ClassEveryone
	}
	info.OfficeOnly = k == kindNotice || k == kindDecree
	return info, k == kindPerson || k >= kindSecret && k <= kindDecree
}

// clock is one clock for a whole test; every look at it is a second later.
type clock struct{ now time.Time }

func (c *clock) read() time.Time {
	c.now = c.now.Add(time.Second)
	return c.now
}

// world is one centre with its devices.
type world struct {
	testing.TB
	mutant *replica.Mutant // what all devices get wrong; nil: nothing
	engine *syncengine.Engine
	cfg    syncengine.Config
	store  *centrestore.Store
	clock  *clock
	seed   byte
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{TB: t, store: centrestore.New(), clock: &clock{time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)}}
	rnd := rand.NewChaCha8([32]byte{1})
	w.cfg = syncengine.Config{
		Store: w.store, ShardKey: segment.KeySigner(newKey(rnd)), Clock: w.clock.read, Rand: rnd, Schema: schema{},
	}
	var err error
	if w.engine, err = syncengine.Create(t.Context(), w.cfg); err != nil {
		t.Fatal(err)
	}
	return w
}

func newKey(rnd *rand.ChaCha8) ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	rnd.Read(seed)
	return ed25519.NewKeyFromSeed(seed)
}

// device is a tablet or hub of a world.
type device struct {
	*replica.Replica
	w     *world
	store *memstore.Store
	keys  *memstore.Keys
	cfg   replica.Config
	staff string
}

func (w *world) fresh() *rand.ChaCha8 {
	w.seed++
	return rand.NewChaCha8([32]byte{2, w.seed})
}

func (w *world) device(staff string, role segment.Role, divisions ...record.Division) *device {
	w.Helper()
	d := &device{w: w, store: memstore.New(), staff: staff}
	rnd := w.fresh()
	d.keys = memstore.NewKeys(rnd)
	d.cfg = replica.Config{Store: d.store, Keys: d.keys, Clock: w.clock.read, Rand: rnd, Schema: schema{}}
	d.open()
	pub := must(d.PublicKey(w.Context()))(w)
	cert, err := w.engine.Certify(w.Context(), rights(staff, role, divisions...), pub)
	w.ok(err)
	w.ok(d.Enrol(w.Context(), w.engine.ShardKey(), cert.Raw))
	return d
}

func (d *device) open() {
	d.w.Helper()
	d.Replica = must(replica.Open(d.w.Context(), d.cfg))(d.w)
	if d.w.mutant != nil {
		replica.Mutate(d.Replica, *d.w.mutant)
	}
}

func rights(staff string, role segment.Role, divisions ...record.Division) syncengine.Rights {
	return syncengine.Rights{
		Role: role, Staff: []string{staff}, Divisions: divisions,
		Classes: []record.Class{record.ClassGeneral, record.ClassSensitive},
	}
}

func (w *world) tablet(staff string, divisions ...record.Division) *device {
	w.Helper()
	return w.device(staff, segment.RoleTablet, divisions...)
}

func (w *world) hub(divisions ...record.Division) *device {
	w.Helper()
	return w.device("hub", segment.RoleHub, divisions...)
}

// clone returns a copy of a device, as when its disk is copied or set back later.
func (d *device) clone() *device {
	d.w.Helper()
	rnd := d.w.fresh()
	c := &device{w: d.w, store: d.store.Clone(), keys: d.keys.Clone(rnd), staff: d.staff}
	c.cfg = d.cfg
	c.cfg.Store, c.cfg.Keys, c.cfg.Rand = c.store, c.keys, rnd
	c.open()
	return c
}

func must[T any](v T, err error) func(*world) T {
	return func(w *world) T {
		w.Helper()
		w.ok(err)
		return v
	}
}

func (w *world) ok(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// backup returns the centre's store as a verified backup would hold it.
func (w *world) backup() *centrestore.Store {
	w.Helper()
	b := w.store.Clone()
	must(w.engine.MarkBackup(w.Context(), w.engine.Size(), w.clock.read()))(w)
	return b
}

// restore lets the centre go on from a backup, in a new epoch.
func (w *world) restore(from *centrestore.Store) {
	w.Helper()
	w.reopen(from)
	w.ok(w.engine.Restore(w.Context(), "operator"))
}

// reopen puts another file under the centre, without a restore.
func (w *world) reopen(from *centrestore.Store) {
	w.Helper()
	w.store = from.Clone()
	w.cfg.Store = w.store
	var err error
	w.engine, err = syncengine.Open(w.Context(), w.cfg)
	w.ok(err)
}

// line is a session of a device with the centre. Its hooks stand in for what goes
// wrong on the way; nil ones do nothing.
type line struct {
	engine  *syncengine.Engine
	caller  segment.Certificate
	open    []byte // the shard's recipient key
	shard   segment.ShardID
	blind   bool // the centre does not look at what the caller has seen
	onHello func(*session.HelloRequest, *session.HelloReply) error
	onPush  func(*session.PushRequest, *session.PushReply) error
	onPage  func(*session.Page) error
	pages   int
	calls   int
}

func (d *device) line() *line {
	d.w.Helper()
	return &line{engine: d.w.engine, caller: must(d.Certificate(d.w.Context()))(d.w), shard: d.w.engine.Shard()}
}

func (l *line) Hello(ctx context.Context, q session.HelloRequest) (session.HelloReply, error) {
	l.calls++
	if l.blind {
		q.Checkpoint, q.Epoch = nil, ledger.Epoch{}
	}
	reply, err := l.engine.Hello(ctx, l.caller, q)
	if err == nil && l.onHello != nil {
		err = l.onHello(&q, &reply)
	}
	return reply, err
}

func (l *line) Push(ctx context.Context, q session.PushRequest) (session.PushReply, error) {
	l.calls++
	for _, raw := range q.Envelopes {
		e, err := segment.DecodeEnvelope(raw)
		if err != nil {
			return session.PushReply{}, err
		}
		seg, err := segment.OpenEnvelope(l.open, l.shard, e)
		if err != nil {
			return session.PushReply{}, err
		}
		q.Segments = append(q.Segments, seg.Bytes())
	}
	q.Envelopes = nil
	reply, err := l.engine.Push(ctx, q)
	if err == nil && l.onPush != nil {
		err = l.onPush(&q, &reply)
	}
	return reply, err
}

func (l *line) Pull(ctx context.Context, q session.PullRequest, page func(session.Page) error) error {
	for {
		p, err := l.engine.PullPage(ctx, l.caller, q)
		if err != nil {
			return err
		}
		l.pages++
		if l.onPage != nil {
			if err := l.onPage(&p); err != nil {
				return err
			}
		}
		if err := page(p); err != nil || p.Last != nil {
			return err
		}
		q.Cursor = p.Cursor
	}
}

func (l *line) Succeed(ctx context.Context, succession []byte) ([]byte, error) {
	l.calls++
	c, err := l.engine.Succeed(ctx, l.caller, succession)
	return c.Raw, err
}

// sync is a sync with the centre that must succeed.
func (d *device) sync() replica.Report {
	d.w.Helper()
	rep, err := d.Sync(d.w.Context(), d.line(), replica.Options{})
	d.w.ok(err)
	if !rep.Complete && !rep.Revoked {
		d.w.Fatal("sync without an end")
	}
	return rep
}

// syncHub is a sync with a hub that must succeed.
func (d *device) syncHub(h *device) replica.Report {
	d.w.Helper()
	caller := must(d.Certificate(d.w.Context()))(d.w)
	rep, err := d.Sync(d.w.Context(), h.Hub(caller), replica.Options{Hub: must(h.ID(d.w.Context()))(d.w)})
	d.w.ok(err)
	return rep
}

// create saves a new record in a village.
func (d *device) create(scope record.Division, p record.Path, v string) replica.Saved {
	d.w.Helper()
	return must(d.Save(d.w.Context(), replica.SaveRequest{
		Kind: kindPerson, Author: d.staff, Scope: scope,
		Changes: []record.Change{{Path: p, Value: record.Of([]byte(v))}},
	}))(d.w)
}

func (d *device) view(id record.ID) replica.Screen {
	d.w.Helper()
	return must(d.View(d.w.Context(), id))(d.w)
}

// edit opens a record, changes one register and saves.
func (d *device) edit(id record.ID, p record.Path, v string) replica.Saved {
	d.w.Helper()
	return d.editFrom(d.view(id), p, v)
}

func (d *device) editFrom(s replica.Screen, p record.Path, v string) replica.Saved {
	d.w.Helper()
	return must(d.Save(d.w.Context(), replica.SaveRequest{
		Shown: s.Shown, Author: d.staff,
		Changes: []record.Change{{Path: p, Value: record.Of([]byte(v)), Parents: s.Parents(p)}},
	}))(d.w)
}

// texts returns the values shown at a path, sorted; held ones in brackets.
func texts(s replica.Screen, p record.Path) []string {
	g, _ := s.Register(p)
	var out []string
	for _, b := range g.Siblings {
		v := string(b.Value.Bytes)
		if b.Held {
			v = "(" + v + ")"
		}
		out = append(out, v)
	}
	slices.Sort(out)
	return out
}

func (d *device) shows(id record.ID, p record.Path, want ...string) {
	d.w.Helper()
	if got := texts(d.view(id), p); !slices.Equal(got, want) {
		d.w.Errorf("%s shows %q, want %q", d.staff, got, want)
	}
}

func (d *device) where(id record.ID, dot causal.Dot) replica.Whereabouts {
	d.w.Helper()
	return must(d.WhereSave(d.w.Context(), id, dot))(d.w)
}
