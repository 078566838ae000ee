// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"time"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const (
	// FaultCrashBefore: the centre's process dies inside a transaction.
	FaultCrashBefore Fault = "centre crashed before a commit"
	// FaultCrashAfter: it dies when the transaction is on disk and nobody knows.
	FaultCrashAfter Fault = "centre crashed after a commit, before its answer"
	// FaultDiskFull: a transaction finds no room; the process lives on.
	FaultDiskFull Fault = "disk full at the centre"
	// FaultRestart: the process is stopped and started between two calls.
	FaultRestart Fault = "centre restarted"
	// FaultRestore: an older backup is restored, which begins a new epoch.
	FaultRestore Fault = "centre restored from a backup"
	// FaultOtherServer: a call meets another server over the same file than the one before.
	FaultOtherServer Fault = "another server over the same file"
	// FaultCopiedBack: an older file is put in place and nobody says so.
	FaultCopiedBack Fault = "older file copied back under the centre"
)

// errCrash is what the calls of a process that just died return.
var errCrash = errors.New("the process is gone")

// crash says what happens at the next Update of a store.
type crash uint8

const (
	crashNot crash = iota
	crashBefore
	crashAfter
	diskFull
)

// servers is the era from which on a centre may be several servers over one file.
const servers = 7

// server is one process of the centre: an engine, with its own line to the file that all share.
type server struct {
	*syncengine.Engine
	disk *centreDisk
}

// centre is the office: the servers over one file, and what the operator does to it.
type centre struct {
	w       *World
	key     ed25519.PrivateKey
	*server                    // that the last call met
	all     []*server          // in eras that know of several; else that one
	commits int                // of all of them
	eye     *syncengine.Engine // by which the oracle knows where the file stands
	had     dots               // every save its file holds
	backups []*backup          // oldest first; a restore discards none
	older   *memstore.Store    // a file somebody may copy back by mistake
	skew    time.Duration      // of its clock
	copied  bool               // an older file runs and nobody said so
	behind  bool               // the file was restored from an epoch before the last one
	last    uint64             // the highest epoch there ever was
}

func newCentre(w *World) *centre {
	seed := make([]byte, ed25519.SeedSize)
	_, _ = w.Read(seed)
	c := &centre{w: w, key: ed25519.NewKeyFromSeed(seed), had: dots{}}
	store := memstore.New()
	_, err := syncengine.Create(w.ctx, c.config(store))
	w.must(err, "create the shard")
	c.start(store)
	return c
}

func (c *centre) config(store syncengine.Store) syncengine.Config {
	return syncengine.Config{
		Store: store, ShardKey: segment.KeySigner(c.key), Clock: c.now,
		Rand: c.w, Schema: c.w.schema, CertificateLife: 200 * 24 * time.Hour,
	}
}

// now is what the centre's clock says.
func (c *centre) now() time.Time { return c.w.now.Add(c.skew) }

// open starts a server over a file.
func (c *centre) open(store *memstore.Store) *server {
	s := &server{disk: &centreDisk{Store: store, commits: &c.commits, shared: c.w.odds.servers > 1}}
	engine, err := syncengine.Open(c.w.ctx, c.config(s.disk))
	c.w.must(err, "open the shard")
	if c.w.opt.Engine != nil {
		c.w.opt.Engine(engine)
	}
	s.Engine = engine
	return s
}

// start has all servers work over a file.
func (c *centre) start(store *memstore.Store) {
	c.all = nil
	for range max(1, c.w.odds.servers) {
		c.all = append(c.all, c.open(store))
	}
	c.server = c.all[0]
	eye, err := syncengine.Open(c.w.ctx, c.config(store))
	c.w.must(err, "open the shard")
	c.eye = eye
	c.started()
}

// file is an engine that knows where the file stands, whatever the server that was met knows of it.
func (c *centre) file() *syncengine.Engine {
	if !c.disk.shared {
		return c.Engine
	}
	c.w.must(c.eye.Refresh(c.w.ctx), "look at the file")
	return c.eye
}

// Position, Size and Epoch are the file's.
func (c *centre) Position() syncengine.Position { return c.file().Position() }
func (c *centre) Size() ledger.Size             { return c.file().Size() }
func (c *centre) Epoch() ledger.Epoch           { return c.file().Epoch() }

// Blocked returns what any server knows, in order of replica.
func (c *centre) Blocked() (all []syncengine.Blocked) {
	for _, s := range c.all {
		some, err := s.Blocked(c.w.ctx)
		c.w.must(err, "blocked")
		for _, b := range some {
			if !slices.ContainsFunc(all, func(o syncengine.Blocked) bool { return o.Replica == b.Replica }) {
				all = append(all, b)
			}
		}
	}
	slices.SortFunc(all, func(a, b syncengine.Blocked) int { return a.Replica.Compare(b.Replica) })
	return all
}

// started takes note of where the server is that was just started.
func (c *centre) started() {
	c.last = max(c.last, c.Epoch().Number)
	c.w.oracle.position, c.w.oracle.commits = c.Position(), c.commits
	c.w.oracle.readCentre()
}

// meet has the next call meet some server.
func (c *centre) meet() {
	if len(c.all) < 2 || !c.w.chance(0.5) {
		return
	}
	if s := pick(c.w, c.all); s != c.server {
		c.server = s
		c.w.happens(FaultOtherServer)
	}
}

// centreDisk is the centre's file with crashes at its commits.
type centreDisk struct {
	*memstore.Store
	next crash
	skip int // commits that go well before it
	gone bool
	full bool // the last failure was a full disk
	kept bool // with gone: the last commit is on disk

	shared bool // several servers have it, and each sees what the others commit

	commits *int // counts those of all servers
}

// View fails when the process is gone.
func (d *centreDisk) View(ctx context.Context, f func(syncengine.Reader) error) error {
	if d.gone {
		return errCrash
	}
	return d.view(ctx, f)
}

// Update commits, or crashes as was arranged.
func (d *centreDisk) Update(ctx context.Context, f func(syncengine.Tx) error) error {
	if d.gone {
		return errCrash
	}
	next := d.next
	if next != crashNot && d.skip > 0 {
		d.skip--
		*d.commits++
		return d.update(ctx, f)
	}
	d.next = crashNot
	failing := func(err error) error {
		return d.update(ctx, func(tx syncengine.Tx) error { return errors.Join(f(tx), err) })
	}
	switch next {
	case crashBefore:
		d.gone = true
		return failing(errCrash)
	case crashAfter:
		err := d.update(ctx, f)
		d.gone, d.kept = true, err == nil
		return errors.Join(err, errCrash)
	case diskFull:
		d.full = true
		return failing(syncengine.ErrStoreFull)
	}
	*d.commits++
	return d.update(ctx, f)
}

// unmarked is a file that one server has: it counts no commits.
type (
	unmarked   struct{ syncengine.Reader }
	unmarkedTx struct{ syncengine.Tx }
)

func (d *centreDisk) view(ctx context.Context, f func(syncengine.Reader) error) error {
	if d.shared {
		return d.Store.View(ctx, f)
	}
	return d.Store.View(ctx, func(r syncengine.Reader) error { return f(unmarked{r}) })
}

func (d *centreDisk) update(ctx context.Context, f func(syncengine.Tx) error) error {
	if d.shared {
		return d.Store.Update(ctx, f)
	}
	return d.Store.Update(ctx, func(tx syncengine.Tx) error { return f(unmarkedTx{tx}) })
}

// arrange decides whether one of the next commits of the centre goes wrong.
func (c *centre) arrange() {
	w := c.w
	c.meet()
	c.disk.next, c.disk.skip = crashNot, 0
	switch {
	case w.chance(w.odds.centreCrash):
		c.disk.next = pick(w, []crash{crashBefore, crashAfter})
		c.disk.skip = w.rnd.IntN(2)
	case w.chance(w.odds.diskFull):
		c.disk.next = diskFull
	}
}

// recover counts what went wrong inside a call and starts the process again if it
// is gone. It reports whether it was: then nobody got an answer.
func (c *centre) recover() bool {
	d := c.disk
	d.next = crashNot
	if d.full {
		d.full = false
		c.w.happens(FaultDiskFull)
		c.w.tell("centre: disk full")
	}
	if !d.gone {
		return false
	}
	if d.kept {
		c.w.happens(FaultCrashAfter)
		c.w.tell("centre: crashed after a commit")
	} else {
		c.w.happens(FaultCrashBefore)
		c.w.tell("centre: crashed before a commit")
	}
	c.restart()
	return true
}

// restart opens the file anew, as a new process in place of the one that was met does.
func (c *centre) restart() {
	i := slices.Index(c.all, c.server)
	c.server = c.open(c.disk.Store)
	c.all[i] = c.server
	c.started()
}

// do is one thing that the office does, and reports whether it was done and known
// to be done.
func (c *centre) do(what string, f func() error) bool {
	c.arrange()
	err := f()
	wrong := c.recover()
	c.w.oracle.readCentre()
	if wrong || syncengine.ReasonOf(err) == syncengine.ReasonFull {
		c.w.tell("office: %s: nobody knows", what)
		return false
	}
	if syncengine.ReasonOf(err) == syncengine.ReasonRolledBack && (c.copied || c.behind) {
		return false
	}
	c.w.must(err, "office: "+what)
	c.w.tell("office: %s", what)
	return true
}

// back makes a verified backup.
func (c *centre) back() {
	b := c.copy()
	size := c.Size()
	marked := false
	if !c.do("backup", func() error {
		_, err := c.MarkBackup(c.w.ctx, size, c.w.now)
		marked = err == nil || c.disk.kept
		return err
	}) && !marked {
		return
	}
	c.backups = append(c.backups, b)
	c.older = nil
}

// candidates are the backups that an operator may choose from: the last two ever
// made.
func (c *centre) candidates() []*backup { return c.backups[max(0, len(c.backups)-2):] }

// restoreFrom puts a backup in place of the file and opens a new epoch.
func (c *centre) restoreFrom(b *backup) {
	w := c.w
	w.happens(FaultRestore)
	if w.opt.era() >= 3 && w.chance(0.5) {
		c.rebuild(b)
	} else {
		c.replace(b.store.Clone())
		c.behind = c.Epoch().Number < c.last
	}
	if w.opt.ForgetsBackups {
		c.backups = c.backups[:slices.Index(c.backups, b)+1]
	}
	c.reopen()
	w.tell("office: restored a backup of %d leaves, epoch %s", c.Size(), c.Epoch())
}

// reopen opens a new epoch on the file in place. An operator whose process dies
// over it begins again.
func (c *centre) reopen() {
	c.copied = false
	for !c.do("new epoch", func() error { return c.Restore(c.w.ctx, "operator") }) {
	}
	c.last = max(c.last, c.Epoch().Number)
}

// replace puts another file in place of the centre's. What it lacks and nobody
// else has had is gone.
func (c *centre) replace(store *memstore.Store) {
	o, before := c.w.oracle, c.had
	c.had, o.read = dots{}, 0
	c.start(store)
	o.destroyed(before, c.had)
}

// copyBack puts an older file in place and tells nobody.
func (c *centre) copyBack() {
	c.w.happens(FaultCopiedBack)
	c.replace(c.older.Clone())
	c.older, c.copied = nil, true
	c.w.tell("office: a file of %d leaves was copied back, epoch %s", c.Size(), c.Epoch())
}
