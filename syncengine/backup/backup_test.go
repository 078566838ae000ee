// SPDX-License-Identifier: Apache-2.0

package backup_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/backup"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore"
)

const (
	kindNote record.Kind     = 100
	village  record.Division = "130403001001"
)

var phone = record.Field(1)

type schema struct{}

func (schema) Lookup(k record.Kind) (record.KindInfo, bool) {
	return record.KindInfo{
		Kind: k, Name: "note", Class: record.ClassGeneral,
		Boundary: func(record.Path) record.Boundary { return record.BoundaryExact },
	}, k == kindNote
}

// county is a running county and the folder that it is backed up to.
type county struct {
	*syncengine.Engine
	testing.TB
	cfg    syncengine.Config
	now    time.Time
	folder string
	backup backup.Config
	writer *backup.Writer
}

func newCounty(t testing.TB, store syncengine.Store) *county {
	t.Helper()
	c := &county{TB: t, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), folder: t.TempDir()}
	rnd := rand.NewChaCha8([32]byte{1})
	c.cfg = syncengine.Config{
		Store: store, ShardKey: segment.KeySigner(ed25519.NewKeyFromSeed(random(rnd))), Clock: c.clock, Rand: rnd, Schema: schema{},
	}
	c.Engine = must(syncengine.Create(t.Context(), c.cfg))(t)
	c.configure(func(*backup.Config) {})
	return c
}

func random(rnd *rand.ChaCha8) []byte {
	b := make([]byte, 32)
	_, _ = rnd.Read(b)
	return b
}

func (c *county) clock() time.Time {
	c.now = c.now.Add(time.Second)
	return c.now
}

// configure makes a new writer, as a server does that is started.
func (c *county) configure(change func(*backup.Config)) {
	c.Helper()
	if c.backup.Folder == "" {
		c.backup = backup.Config{
			County: "130403", Folder: c.folder, Owner: "here", Clock: c.clock, PartBytes: 4096,
			Keys: func() ([]backup.KeyFile, error) {
				return []backup.KeyFile{{Name: "shard.key", Content: []byte("a key that nobody may see")}}, nil
			},
		}
	}
	c.backup.Engine = c.Engine
	change(&c.backup)
	c.writer = must(backup.NewWriter(c.backup))(c)
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// save saves new records and returns them.
func (c *county) save(n int, value string) (out []syncengine.Saved) {
	c.Helper()
	for i := range n {
		saved := must(c.Save(c.Context(), "zhao", syncengine.OfficeSave{Kind: kindNote, Changes: []record.Change{
			{Path: record.PathScope, Value: record.Of([]byte(village))},
			{Path: phone, Value: record.Of([]byte(fmt.Sprintf("%s %d", value, i)))},
		}}))(c)
		out = append(out, saved...)
	}
	return out
}

func (c *county) back() backup.Report {
	c.Helper()
	return must(c.writer.Run(c.Context(), nil))(c)
}

// found returns what the folder has of the county.
func (c *county) found() backup.County {
	c.Helper()
	all := must(backup.Find(c.folder))(c)
	if len(all) != 1 || all[0].Shard != c.Shard() {
		c.Fatalf("%d counties", len(all))
	}
	return all[0]
}

// restored returns the county as a backup has it, over an empty store.
func (c *county) restored(m backup.Manifest, store syncengine.Store, ids ...age.Identity) *syncengine.Engine {
	c.Helper()
	cfg := c.cfg
	cfg.Store = store
	found := c.found()
	from := must(found.Rebuilding(found.Open(m, ids...)))(c)
	if err := syncengine.Rebuild(c.Context(), cfg, from); err != nil {
		c.Fatal(err)
	}
	return must(syncengine.Open(c.Context(), cfg))(c)
}

func states(t testing.TB, e *syncengine.Engine) map[record.ID]string {
	t.Helper()
	rows := must(e.List(t.Context(), syncengine.FeedQuery{
		Divisions: []record.Division{""}, Classes: []record.Class{record.ClassEveryone, record.ClassGeneral, record.ClassSensitive}, Limit: 1 << 20,
	}))(t)
	out := map[record.ID]string{}
	for _, r := range rows {
		out[r.ID] = string(r.State)
	}
	return out
}

func wantSame(t testing.TB, got, want *syncengine.Engine) {
	t.Helper()
	if !maps.Equal(states(t, got), states(t, want)) {
		t.Error("states differ")
	}
	if !maps.Equal(must(got.Sums(t.Context()))(t), must(want.Sums(t.Context()))(t)) {
		t.Error("fingerprints differ")
	}
	if v := must(got.Verify(t.Context(), syncengine.VerifyOptions{Replay: true}))(t); !v.OK() {
		t.Errorf("verify: %v", v.Violations)
	}
}

// files returns the names of what lies in the county's folder.
func (c *county) files() (out []string) {
	c.Helper()
	for _, e := range must(os.ReadDir(c.found().Dir))(c) {
		out = append(out, e.Name())
	}
	return out
}

func (c *county) partsOf(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(s string) bool { return !strings.HasPrefix(s, "part-") })
}

// spoil changes a byte of a file.
func (c *county) spoil(name string) {
	c.Helper()
	path := filepath.Join(c.found().Dir, name)
	raw := must(os.ReadFile(path))(c)
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		c.Fatal(err)
	}
}

func TestABackupRebuildsTheCounty(t *testing.T) {
	for name, open := range map[string]func(*testing.T) syncengine.Store{
		"memory": func(*testing.T) syncengine.Store { return memstore.New() },
		"sqlite": func(t *testing.T) syncengine.Store {
			s := must(sqlitestore.Open(filepath.Join(t.TempDir(), "shard.db"), sqlitestore.Options{Create: true}))(t)
			t.Cleanup(func() { _ = s.Close() })
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCounty(t, open(t))
			saved := c.save(60, "138")
			c.back()
			if err := c.Withdraw(t.Context(), syncengine.Ruling{Record: saved[3].Record, Dot: saved[3].Dot, Author: "zhao", Reason: "test"}); err != nil {
				t.Fatal(err)
			}
			c.save(60, "139")
			r := c.back()
			if r.Size != c.Size() || r.Number != 2 || r.Epoch != c.Epoch() || !r.KeysApart || r.Anew {
				t.Errorf("%+v", r)
			}
			again := c.restored(c.found().Newest(), open(t))
			wantSame(t, again, c.Engine)
			if again.Size() != c.Size() || !again.Stopped() {
				t.Errorf("%d of %d leaves, stopped: %v", again.Size(), c.Size(), again.Stopped())
			}
		})
	}
}

func TestABackupAppendsToTheLastOne(t *testing.T) {
	c := newCounty(t, memstore.New())
	c.save(100, "138")
	first := c.back()
	before := c.partsOf(c.files())
	c.save(1, "139")
	second := c.back()
	if second.Written > first.Written/2 {
		t.Errorf("one save more took %d bytes after %d", second.Written, first.Written)
	}
	after := c.found().Newest()
	for _, name := range before[:len(before)-1] {
		if !slices.ContainsFunc(after.Parts, func(p backup.Part) bool { return p.Name == name }) {
			t.Errorf("%s was written again", name)
		}
	}
	for range 30 {
		c.save(1, "137")
		c.back()
	}
	if m := c.found(); len(m.Backups) != 2 || len(m.Newest().Parts) > len(after.Parts)+12 {
		t.Errorf("%d backups, %d parts after %d", len(m.Backups), len(m.Newest().Parts), len(after.Parts))
	}
	for _, m := range c.found().Backups {
		if e := c.restored(m, memstore.New()); e.Size() != m.Checkpoint.Size {
			t.Errorf("backup %d: %d leaves", m.Number, e.Size())
		}
	}
	for _, name := range c.files() {
		if strings.HasSuffix(name, ".partial") || name == "lock" {
			t.Errorf("%s was left behind", name)
		}
	}
}

// bodies returns everything in the folder, as it can be read by anybody.
func (c *county) bodies() []byte {
	c.Helper()
	zstd := segment.NewCompressor()
	var out []byte
	found := c.found()
	for _, m := range found.Backups {
		for l, err := range found.Open(m).Leaves(0) {
			if err != nil {
				c.Fatal(err)
			}
			if l.Segment != nil {
				out = append(out, must(zstd.Decompress(l.Segment))(c)...)
			}
		}
	}
	return out
}

func TestWhatIsErasedGoesFromEarlierPartsAndBackupsToo(t *testing.T) {
	c := newCounty(t, memstore.New())
	saved := c.save(100, "the body that must go")
	c.back()
	c.save(10, "139")
	c.back()
	if !bytes.Contains(c.bodies(), []byte("the body that must go 4")) {
		t.Fatal("the test looks for nothing")
	}
	for _, i := range []int{4, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49} {
		err := c.Erase(t.Context(), syncengine.Ruling{Record: saved[i].Record, Dot: saved[i].Dot, Author: "zhao", Reason: "order 7"})
		if err != nil {
			t.Fatal(err)
		}
	}
	c.back()
	found := c.found()
	if len(found.Backups) != 2 {
		t.Fatalf("%d backups", len(found.Backups))
	}
	if bytes.Contains(c.bodies(), []byte("the body that must go 4")) {
		t.Error("an erased body is still in a backup")
	}
	if !bytes.Contains(c.bodies(), []byte("the body that must go 5")) {
		t.Error("others are gone, too")
	}
	wantSame(t, c.restored(found.Newest(), memstore.New()), c.Engine)
	older := c.restored(found.Backups[0], memstore.New())
	if older.Size() != found.Backups[0].Checkpoint.Size {
		t.Error("the earlier backup cannot be restored")
	}
}

func TestDamageInTheFolderIsNamedAndHealed(t *testing.T) {
	c := newCounty(t, memstore.New())
	c.save(100, "138")
	c.back()
	parts := c.partsOf(c.files())
	c.spoil(parts[1])
	if err := os.Remove(filepath.Join(c.found().Dir, parts[2])); err != nil {
		t.Fatal(err)
	}
	found := c.found()
	cfg := c.cfg
	cfg.Store = memstore.New()
	from := must(found.Rebuilding(found.Open(found.Newest())))(t)
	if err := syncengine.Rebuild(t.Context(), cfg, from); !errors.Is(err, backup.ErrDamaged) || !strings.Contains(err.Error(), parts[1]) {
		t.Errorf("err = %v", err)
	}
	c.save(1, "139")
	if r := c.back(); slices.Contains(r.Healed, parts[1]) || !slices.Equal(r.Healed, parts[2:3]) {
		t.Errorf("read a moment ago: healed %v of %v", r.Healed, parts)
	}
	c.configure(func(*backup.Config) {}) // a server that was started anew reads everything
	if r := c.back(); !slices.Equal(r.Healed, parts[1:2]) {
		t.Errorf("healed %v of %v", r.Healed, parts)
	}
	wantSame(t, c.restored(c.found().Newest(), memstore.New()), c.Engine)
}

func TestAManifestThatCannotBeReadIsNamedAndLeft(t *testing.T) {
	c := newCounty(t, memstore.New())
	c.save(10, "138")
	c.back()
	c.save(10, "139")
	c.back()
	var manifests []string
	for _, name := range c.files() {
		if strings.HasPrefix(name, "manifest-") {
			manifests = append(manifests, name)
		}
	}
	c.spoil(manifests[1])
	if found := c.found(); len(found.Backups) != 1 || !slices.Equal(found.Unreadable, manifests[1:]) {
		t.Errorf("%d backups, unreadable: %v", len(found.Backups), found.Unreadable)
	}
	if r := c.back(); r.Number != 3 || !slices.Equal(r.Unreadable, manifests[1:]) {
		t.Errorf("%+v", r)
	}
}

func TestAnEncryptedBackupIsReadByItsRecipientOnlyAndHasTheKeys(t *testing.T) {
	c := newCounty(t, memstore.New())
	c.save(20, "138")
	c.back()
	id := must(age.GenerateX25519Identity())(t)
	other := must(age.GenerateX25519Identity())(t)
	c.configure(func(b *backup.Config) { b.Recipient = id.Recipient().String() })
	if r := c.back(); r.KeysApart || !r.Anew {
		t.Errorf("%+v", r)
	}
	c.save(5, "139")
	c.back()
	for _, name := range c.files() {
		raw := must(os.ReadFile(filepath.Join(c.found().Dir, name)))(t)
		if bytes.Contains(raw, []byte("nobody may see")) {
			t.Errorf("%s has a key in the clear", name)
		}
		if !strings.HasPrefix(name, "manifest-") && !bytes.HasPrefix(raw, []byte("age-encryption.org/")) {
			t.Errorf("%s is not encrypted", name)
		}
	}
	found := c.found()
	for name, ids := range map[string][]age.Identity{"nobody": nil, "somebody else": {other}} {
		if _, err := found.Open(found.Newest(), ids...).Snapshot(); !errors.Is(err, backup.ErrIdentity) {
			t.Errorf("%s: %v", name, err)
		}
	}
	keys := must(found.Open(found.Newest(), id).Keys())(t)
	if len(keys) != 1 || keys[0].Name != "shard.key" || string(keys[0].Content) != "a key that nobody may see" {
		t.Errorf("keys: %v", keys)
	}
	wantSame(t, c.restored(found.Newest(), memstore.New(), id), c.Engine)
	if _, err := backup.NewWriter(backup.Config{Recipient: "age1nobody"}); err == nil {
		t.Error("a recipient that is none")
	}
}

// lose puts the county as a backup has it in place of the running one.
func (c *county) lose(m backup.Manifest) {
	c.Helper()
	store := memstore.New()
	c.Engine = c.restored(m, store)
	c.cfg.Store = store
	if err := c.Restore(c.Context(), "zhao"); err != nil {
		c.Fatal(err)
	}
	c.configure(func(*backup.Config) {})
}

func TestARestoredCountyGoesOnInTheSameFolder(t *testing.T) {
	c := newCounty(t, memstore.New())
	c.save(60, "138")
	c.back()
	c.save(60, "139")
	c.back()
	lost := c.found().Newest()
	c.lose(c.found().Backups[0])
	c.save(3, "137")
	r := c.back()
	if r.Number != 3 || r.Anew || r.Epoch.Number != 2 {
		t.Errorf("%+v", r)
	}
	c.save(3, "136")
	c.back()
	found := c.found()
	if len(found.Backups) != 3 || found.Backups[0].Number != lost.Number {
		t.Fatalf("%d backups; the last one of the first epoch is gone", len(found.Backups))
	}
	if e := c.restored(found.Backups[0], memstore.New()); e.Size() != lost.Checkpoint.Size {
		t.Error("what the restore did without cannot be read any more")
	}
	wantSame(t, c.restored(found.Newest(), memstore.New()), c.Engine)
	if !found.Loses(found.Backups[0]) || found.Loses(found.Backups[1]) || found.Loses(found.Newest()) {
		t.Error("the last two backups are others")
	}
	marks := must(c.Marks(t.Context()))(t)
	if len(marks) != 2 || marks[1].Number != 4 || marks[1].LedgerSize != found.Newest().Checkpoint.Size {
		t.Errorf("marks: %+v", marks)
	}
}

func TestAnOrderEndsABackupInWhichNobodyCanTellWhatThereIs(t *testing.T) {
	c := newCounty(t, memstore.New())
	saved := c.save(30, "138")
	c.back()
	c.save(30, "139")
	c.back()
	c.lose(c.found().Backups[0])
	c.save(40, "137")
	c.back()
	if n := len(c.found().Backups); n != 2 {
		t.Fatalf("%d backups", n)
	}
	err := c.Erase(t.Context(), syncengine.Ruling{Record: saved[4].Record, Dot: saved[4].Dot, Author: "zhao", Reason: "order 7"})
	if err != nil {
		t.Fatal(err)
	}
	c.back()
	for _, m := range c.found().Backups {
		if m.Checkpoint.Epoch.Number == 1 {
			t.Error("a backup of the first epoch may still have the body")
		}
	}
}

func TestAnOlderStoreIsNotBackedUpOverANewerOne(t *testing.T) {
	store := memstore.New()
	c := newCounty(t, store)
	c.save(10, "138")
	older := store.Clone()
	c.save(10, "139")
	c.back()
	c.cfg.Store = older
	c.Engine = must(syncengine.Open(t.Context(), c.cfg))(t)
	c.configure(func(*backup.Config) {})
	if _, err := c.writer.Run(t.Context(), nil); syncengine.ReasonOf(err) != syncengine.ReasonRolledBack || !c.Stopped() {
		t.Errorf("err = %v, stopped: %v", err, c.Stopped())
	}
	if _, err := c.writer.Run(t.Context(), nil); syncengine.ReasonOf(err) != syncengine.ReasonRolledBack {
		t.Errorf("again: %v", err)
	}
}

func TestTheFolderMustBeThereAndOursAlone(t *testing.T) {
	c := newCounty(t, memstore.New())
	c.save(3, "138")
	c.back()
	lock := filepath.Join(c.found().Dir, "lock")
	if err := os.WriteFile(lock, []byte("there"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := c.writer.Run(t.Context(), nil); !errors.Is(err, backup.ErrLocked) || !strings.Contains(err.Error(), lock) {
		t.Errorf("err = %v", err)
	}
	if err := os.WriteFile(lock, []byte("here"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.back() // its own, of a process that died
	if err := os.RemoveAll(c.folder); err != nil {
		t.Fatal(err)
	}
	if _, err := c.writer.Run(t.Context(), nil); !errors.Is(err, backup.ErrGone) {
		t.Errorf("err = %v", err)
	}
	if _, err := os.Stat(c.folder); err == nil {
		t.Error("a folder was made where none was mounted")
	}
	if _, err := backup.Find(c.folder); !errors.Is(err, backup.ErrGone) {
		t.Errorf("err = %v", err)
	}
	if _, err := backup.Find(t.TempDir()); !errors.Is(err, backup.ErrNone) {
		t.Errorf("err = %v", err)
	}
}

func TestACancelledBackupLeavesTheLastOneWhole(t *testing.T) {
	c := newCounty(t, memstore.New())
	c.save(60, "138")
	c.back()
	c.save(60, "139")
	ctx, stop := context.WithCancel(t.Context())
	_, err := c.writer.Run(ctx, func(done, total ledger.Size) {
		if done > total*3/4 {
			stop()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("err = %v", err)
	}
	found := c.found()
	if e := c.restored(found.Newest(), memstore.New()); found.Newest().Number != 1 || e.Size() != found.Newest().Checkpoint.Size {
		t.Error("the first backup is not whole")
	}
	c.back()
	wantSame(t, c.restored(c.found().Newest(), memstore.New()), c.Engine)
}
