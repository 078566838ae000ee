// SPDX-License-Identifier: Apache-2.0

package county_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/server/county"
	"github.com/xunzhen/xunzhen/server/servertest"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/backup"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/syncengine/replica/memstore"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
)

const (
	rehearsedTablets  = 20
	rehearsedVillages = 5
	rehearsedSaves    = 10_000
)

// rehearsal is a county with tablets, on disk, whose machine is about to burn.
type rehearsal struct {
	testing.TB
	*county.County
	data, folder string
	means        county.Means
	now          time.Time
	rnd          *rand.Rand
	tablets      []*rehearsed
	saves        int
}

// rehearsed is one tablet.
type rehearsed struct {
	*replica.Replica
	r       *rehearsal
	staff   string
	village record.Division
	made    []record.ID
}

func newRehearsal(t testing.TB) *rehearsal {
	t.Helper()
	r := &rehearsal{
		TB: t, data: t.TempDir(), folder: t.TempDir(), now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC),
		rnd: rand.New(rand.NewPCG(7, 7)),
	}
	r.means = county.Means{
		Schema: servertest.Schema{}, Rand: rand.NewChaCha8([32]byte{3}), Clock: r.clock,
		OpenStore: func(path string, create bool) (syncengine.Store, error) {
			return sqlitestore.Open(path, sqlitestore.Options{Create: create})
		},
	}
	r.County = sure(county.Create(t.Context(), r.data, "130403", r.means))(t)
	t.Cleanup(func() { _ = r.Close() })
	for i := range rehearsedTablets {
		r.enrol(i)
	}
	return r
}

func sure[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (r *rehearsal) ok(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

func (r *rehearsal) clock() time.Time {
	r.now = r.now.Add(time.Second)
	return r.now
}

func (r *rehearsal) enrol(i int) {
	d := &rehearsed{
		r: r, staff: fmt.Sprintf("doctor%d", i),
		village: record.Division(fmt.Sprintf("13040300100%d", 1+i%rehearsedVillages)),
	}
	rnd := rand.NewChaCha8([32]byte{4, byte(i)})
	d.Replica = sure(replica.Open(r.Context(), replica.Config{
		Store: memstore.New(), Keys: memstore.NewKeys(rnd), Clock: r.clock, Rand: rnd, Schema: servertest.Schema{},
	}))(r)
	cert := sure(r.Engine.Certify(r.Context(), servertest.Doctor(d.staff, d.village), sure(d.PublicKey(r.Context()))(r)))(r)
	r.ok(d.Enrol(r.Context(), r.Engine.ShardKey(), cert.Raw))
	r.tablets = append(r.tablets, d)
}

// work has every tablet save, half the time over what it made before, and sync.
func (r *rehearsal) work(saves int) {
	r.Helper()
	each := saves / len(r.tablets)
	for _, d := range r.tablets {
		for range each {
			d.save()
			r.saves++
		}
		d.sync()
	}
}

func (d *rehearsed) save() {
	d.r.Helper()
	value := record.Of([]byte(fmt.Sprintf("13%09d", d.r.rnd.IntN(1e9))))
	if len(d.made) > 0 && d.r.rnd.IntN(2) == 0 {
		shown := sure(d.View(d.r.Context(), d.made[d.r.rnd.IntN(len(d.made))]))(d.r)
		sure(d.Save(d.r.Context(), replica.SaveRequest{Shown: shown.Shown, Author: d.staff, Changes: []record.Change{
			{Path: servertest.Phone, Value: value, Parents: shown.Parents(servertest.Phone)},
		}}))(d.r)
		return
	}
	saved := sure(d.Save(d.r.Context(), replica.SaveRequest{
		Kind: servertest.Note, Author: d.staff, Scope: d.village,
		Changes: []record.Change{{Path: servertest.Phone, Value: value}},
	}))(d.r)
	d.made = append(d.made, saved.Record)
}

// engineLine is a session with the engine as the server leads it.
type engineLine struct {
	*syncengine.Engine
	caller segment.Certificate
}

func (l engineLine) Hello(ctx context.Context, q session.HelloRequest) (session.HelloReply, error) {
	return l.Engine.Hello(ctx, l.caller, q)
}

func (l engineLine) Push(ctx context.Context, q session.PushRequest) (session.PushReply, error) {
	return l.Engine.Push(ctx, q)
}

func (l engineLine) Pull(ctx context.Context, q session.PullRequest, page func(session.Page) error) error {
	for {
		p, err := l.PullPage(ctx, l.caller, q)
		if err != nil {
			return err
		}
		if err := page(p); err != nil || p.Last != nil {
			return err
		}
		q.Cursor = p.Cursor
	}
}

func (l engineLine) Succeed(ctx context.Context, succession []byte) ([]byte, error) {
	c, err := l.Engine.Succeed(ctx, l.caller, succession)
	return c.Raw, err
}

func (d *rehearsed) sync() replica.Report {
	d.r.Helper()
	caller := sure(d.Certificate(d.r.Context()))(d.r)
	return sure(d.Sync(d.r.Context(), engineLine{d.r.Engine, caller}, replica.Options{}))(d.r)
}

// rule has the office do one of everything about records of a tablet.
func (r *rehearsal) rule(d *rehearsed, from int) {
	r.Helper()
	ctx := r.Context()
	about := func(i int) syncengine.Ruling {
		id := d.made[from+i]
		v := sure(r.Engine.Get(ctx, id))(r)
		return syncengine.Ruling{Record: id, Dot: v.State.VV[0], Author: "zhao", Reason: "rehearsed"}
	}
	r.ok(r.Engine.Withdraw(ctx, about(0)))
	r.ok(r.Engine.Withdraw(ctx, about(1)))
	r.ok(r.Engine.Release(ctx, about(1)))
	r.ok(r.Engine.Erase(ctx, about(2)))
	v := sure(r.Engine.Get(ctx, d.made[from+3]))(r)
	sure(r.Engine.Save(ctx, "zhao", syncengine.OfficeSave{Record: v.Row.ID, Changes: []record.Change{
		{Path: record.PathLife, Value: record.Voided("rehearsed")},
	}}))(r)
}

// states returns what the county has of people, without the acts of the office.
func (r *rehearsal) states() map[record.ID]string {
	r.Helper()
	rows := sure(r.Engine.List(r.Context(), syncengine.FeedQuery{
		Divisions: []record.Division{""}, Classes: []record.Class{record.ClassGeneral, record.ClassSensitive}, Limit: 1 << 20,
	}))(r)
	out := map[record.ID]string{}
	for _, row := range rows {
		out[row.ID] = string(row.State)
	}
	return out
}

// burn takes the machine away, with all but the backups and the keys.
func (r *rehearsal) burn() (keys []backup.KeyFile) {
	r.Helper()
	keys = sure(r.Keys(filepath.Join(r.data, "tls")))(r)
	r.ok(r.Close())
	r.ok(os.RemoveAll(r.data))
	return keys
}

// restore makes the county again from the newest backup and returns how long that took.
func (r *rehearsal) restore(keys []backup.KeyFile) time.Duration {
	r.Helper()
	r.data = r.TempDir()
	from := sure(backup.Find(r.folder))(r)[0]
	began := time.Now()
	done := sure(county.Restore(r.Context(), r.data, county.Restoration{
		From: from, Backup: from.Open(from.Newest()), Keys: keys, Author: "zhao",
	}, r.means))(r)
	took := time.Since(began)
	r.County = sure(county.Open(r.Context(), done.Dir, r.means))(r)
	return took
}

// missing returns how many tablets were not heard of, and how many offered what has not
// come.
func (r *rehearsal) missing() (unheard, lacking, broken int) {
	r.Helper()
	for _, f := range sure(r.Engine.Refills(r.Context()))(r) {
		if f.Heard.IsZero() {
			unheard++
		}
		if f.Lacking > 0 {
			lacking++
		}
		if f.Broken {
			broken++
		}
	}
	return unheard, lacking, broken
}

// The whole of it: a county of twenty tablets is backed up at half its work, its machine
// burns, and it is restored. Everything is back, and equal to the byte.
func TestACountyThatBurntIsBackToTheByte(t *testing.T) {
	r := newRehearsal(t)
	to := county.Destination{Folder: r.folder}
	r.work(rehearsedSaves / 2)
	r.rule(r.tablets[0], 0)
	r.ok(r.Engine.Fence(t.Context(), "zhao", segmentOwner(r.tablets[19]), "lost"))
	half := sure(r.Backup(t.Context(), to, nil))(t)
	halfSaves := r.saves
	r.work(rehearsedSaves / 2)
	r.rule(r.tablets[1], 10)
	for range 2 { // all have seen all
		for _, d := range r.tablets {
			d.sync()
		}
	}
	want, sums, size := r.states(), sure(r.Engine.Sums(t.Context()))(t), r.Engine.Size()
	seen := sure(r.Engine.Checkpoint(t.Context()))(t)

	took := r.restore(r.burn())
	if r.Engine.Epoch().Number != 2 || r.Engine.Size() <= half.Size || r.Engine.Size() >= size {
		t.Errorf("restored to %d leaves of %d, epoch %s", r.Engine.Size(), size, r.Engine.Epoch())
	}
	t.Logf("restored %d saves of %d in %v: %.0f saves/s", halfSaves, r.saves, took, float64(halfSaves)/took.Seconds())
	if unheard, _, _ := r.missing(); unheard != rehearsedTablets {
		t.Errorf("%d of %d tablets are not heard of", unheard, rehearsedTablets)
	}
	r.hear()

	began := time.Now()
	for _, d := range r.tablets {
		d.sync()
	}
	refill := time.Since(began)
	t.Logf("refilled %d saves in %v: %.0f saves/s, pulls of 20 tablets included", r.saves-halfSaves, refill, float64(r.saves-halfSaves)/refill.Seconds())
	if unheard, lacking, broken := r.missing(); unheard+lacking > 0 || broken == 0 {
		t.Errorf("%d not heard of, %d lack something, %d saw a ledger that is lost", unheard, lacking, broken)
	}
	got := r.states()
	if !maps.Equal(got, want) {
		t.Errorf("%d records, not %d, or other states", len(got), len(want))
	}
	if now := sure(r.Engine.Sums(t.Context()))(t); !maps.Equal(people(now), people(sums)) {
		t.Error("fingerprints differ")
	}
	v := sure(r.Engine.Verify(t.Context(), syncengine.VerifyOptions{Replay: true}))(t)
	if !v.OK() || v.Waiting > 0 {
		t.Errorf("verify: %+v", v)
	}
	r.wantContinuity(half, seen)
	again := sure(r.Backup(t.Context(), to, nil))(t)
	if again.Anew || again.Number <= half.Number {
		t.Errorf("the next backup begins anew: %+v", again)
	}
}

// hear has one tablet say hello and no more: what it has is then known to be missing.
func (r *rehearsal) hear() {
	r.Helper()
	d := r.tablets[3]
	caller := sure(d.Certificate(r.Context()))(r)
	cut := cutLine{engineLine{r.Engine, caller}}
	_, _ = d.Sync(r.Context(), cut, replica.Options{})
	unheard, lacking, broken := r.missing()
	if unheard != rehearsedTablets-1 || lacking != 1 || broken != 1 {
		r.Errorf("after one hello: %d not heard of, %d lacking, %d broken", unheard, lacking, broken)
	}
}

// cutLine breaks when anything is handed over.
type cutLine struct{ engineLine }

func (cutLine) Push(context.Context, session.PushRequest) (session.PushReply, error) {
	return session.PushReply{}, context.DeadlineExceeded
}

// wantContinuity holds the ledger against the backup, whose leaves it must begin with,
// and against what was lost, which it must not claim to extend.
func (r *rehearsal) wantContinuity(half backup.Report, seen []byte) {
	r.Helper()
	old := sure(backup.Find(r.folder))(r)[0]
	m := sure(old.Numbered(half.Number))(r)
	hashes := r.Engine.Hashes(r.Context())
	if root := sure(ledger.Root(hashes, half.Size))(r); root != m.Checkpoint.Root {
		r.Error("the ledger does not begin with the backup's")
	}
	proof := sure(ledger.ProveTree(hashes, r.Engine.Size(), half.Size))(r)
	now := sure(ledger.Root(hashes, r.Engine.Size()))(r)
	r.ok(ledger.CheckTree(proof, r.Engine.Size(), now, half.Size, m.Checkpoint.Root))
	lost := sure(ledger.OpenCheckpoint(seen, r.Engine.ShardKey()))(r)
	if root := sure(ledger.Root(hashes, lost.Size))(r); root == lost.Root {
		r.Error("the lost ledger is there after all: the test lost nothing")
	}
}

func segmentOwner(d *rehearsed) (id [16]byte) { return sure(d.ID(d.r.Context()))(d.r) }

// people leaves the piles of the office's acts out: a restore makes acts.
func people(sums map[syncengine.SumKey]syncengine.Sum) map[syncengine.SumKey]syncengine.Sum {
	out := maps.Clone(sums)
	maps.DeleteFunc(out, func(k syncengine.SumKey, _ syncengine.Sum) bool { return k.Class == record.ClassEveryone })
	return out
}

// A restore of 40,000 saves, read from the folder, checked and rebuilt on disk.
func BenchmarkRestore(b *testing.B) {
	r := newRehearsal(b)
	r.work(40_000)
	began := time.Now()
	report := sure(r.Backup(b.Context(), county.Destination{Folder: r.folder}, nil))(b)
	b.Logf("backed up %.0f saves/s, %.0f bytes a save", float64(r.saves)/time.Since(began).Seconds(), float64(report.Written)/float64(r.saves))
	keys := r.burn()
	for b.Loop() {
		took := r.restore(keys)
		b.ReportMetric(float64(r.saves)/took.Seconds(), "restored/s")
		r.ok(r.Close())
	}
}
