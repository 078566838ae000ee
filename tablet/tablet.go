// SPDX-License-Identifier: Apache-2.0

// Package tablet is what an app on a device links: it captures offline, keeps what
// is personal sealed, and syncs when there is a connection.
//
//	t, err := tablet.Open(dir, secret)
//	r, err := t.Get(id)                          // a record, as a screen shows it
//	c, err := t.Check(r.Form, edited)            // the edited form, as JSON: what is found and proposed
//	s, err := c.Save("")                         // once the person means it; t.Save saves without a look
//	report, err := t.Sync(ctx, nil)              // hand over, take what changed
//	where, err := t.Get(s.ID)                    // where.State says how far it has come
//
// The one invariant: what Save returned nil for survives everything the device
// survives, and is never shown as further on its way than a signature says. A
// form's token goes with the form: it carries what the person saw, so whatever
// arrives while they type is neither overwritten nor lost.
//
// The surface can be bound for mobile: strings, numbers, bytes, pointers to structs
// and small callback interfaces only. Calls that may use the network take a
// context; where an app cannot make one, it passes null and ends the call with
// Stop. Every error is an *Error with a reason.
package tablet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/devicestore"
	"github.com/xunzhen/xunzhen/syncengine/replica"
	"github.com/xunzhen/xunzhen/tablet/vault"
)

// Options say where a tablet is and what it runs on. Dir must be given.
type Options struct {
	Dir string
	// DeviceKey is 32 bytes that the device's keystore keeps; none: a file in Dir.
	DeviceKey []byte
	// Clock tells the time; nil: the system does.
	Clock Clock
	// Log takes lines of what went on, without names and measurements; nil: nobody.
	Log Log
	// CheapSecrets makes a new tablet's secrets cost nothing to guess: for
	// demonstrations and tests only.
	CheapSecrets bool
}

// Clock tells the time.
type Clock interface {
	// NowMs returns UTC milliseconds since 1970.
	NowMs() int64
}

// Log takes lines of text.
type Log interface {
	// Line takes one line without its end.
	Line(text string)
}

// Tablet is one opened tablet. It is safe for concurrent use.
type Tablet struct {
	opts    Options
	log     *slog.Logger
	vault   *vault.Vault
	store   *devicestore.Store
	reserve *reserve

	mu      sync.Mutex
	server  server // zero while not enrolled
	replica *replica.Replica
	staff   string     // who unlocked it
	names   *names     // nil: to be built
	book    *rulebook  // nil: to be loaded
	linked  people     // nil: to be read
	agenda  *agenda    // what is due; nil: to be evaluated
	stale   staleness  // what of agenda is to be evaluated anew
	found   *foundBook // what the centre found; nil: to be opened
	turn    int        // grows when what is in memory was dropped: what was read before is not kept
	calls   map[*call]bool
	closed  bool
	running sync.WaitGroup // calls

	counted bool // the note of what was returned holds what this process has seen

	noting   sync.Mutex // held while the list of hubs changes
	counting sync.Mutex // held while the note of what was returned changes
	planning sync.Mutex // held while what is due is evaluated
	finding  sync.Mutex // held while what the centre found is read or changes
	pulling  sync.Mutex // held while what the centre found is pulled
}

// Create makes a new tablet, unlocked, with the secret of whoever will enrol it.
// Reasons: exists, weak_secret, in_use.
func Create(o *Options, secret string) (*Tablet, error) {
	t, err := create(*o, secret)
	return t, fail("create", err)
}

func create(o Options, secret string) (*Tablet, error) {
	if err := os.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, err
	}
	if vault.Exists(o.Dir) {
		return nil, vault.ErrExists
	}
	t := newTablet(o)
	if err := t.openStore(); err != nil {
		return nil, err
	}
	err := t.begin(func(ctx context.Context) error {
		known, err := t.store.Note(ctx, noteVault)
		if err != nil {
			return err
		}
		if known != nil {
			return fmt.Errorf("the keys of this tablet are missing: %w", vault.ErrDamaged)
		}
		t.vault, err = vault.Create(t.vaultConfig(), "", secret)
		return err
	})
	if err != nil {
		return nil, err
	}
	t.reserve.keep()
	return t, nil
}

// Open opens the tablet in a folder. With an empty secret it stays locked: it can
// say how it is and hand over what was sealed, nothing else. On a full disk it takes
// what it needs from the room that the tablet keeps in reserve. Reasons: none,
// in_use, secret, wait, newer, damaged, full.
func Open(dir, secret string) (*Tablet, error) { return OpenWith(&Options{Dir: dir}, secret) }

// OpenWith is Open with options.
func OpenWith(o *Options, secret string) (*Tablet, error) {
	t, err := open(*o, secret)
	return t, fail("open", err)
}

func open(o Options, secret string) (*Tablet, error) {
	t := newTablet(o)
	if err := t.spend(0, func() error { return t.open(secret) }); err != nil {
		return nil, err
	}
	t.reserve.keep()
	return t, nil
}

func (t *Tablet) open(secret string) (err error) {
	if t.vault, err = vault.Open(t.vaultConfig()); err != nil {
		return err
	}
	if err := t.openStore(); err != nil {
		return err
	}
	return t.begin(func(context.Context) error {
		if secret == "" {
			return nil
		}
		t.staff, err = t.vault.Unlock(secret)
		return err
	})
}

// Exists reports whether a folder has a tablet.
func Exists(dir string) bool { return vault.Exists(dir) }

func newTablet(o Options) *Tablet {
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	t := &Tablet{opts: o, log: slog.New(slog.DiscardHandler), reserve: openReserve(o.Dir), calls: map[*call]bool{}}
	if o.Log != nil {
		t.log = slog.New(slog.NewTextHandler(lines{o.Log}, nil))
	}
	return t
}

func (t *Tablet) now() time.Time { return time.UnixMilli(t.opts.Clock.NowMs()).UTC() }

func (t *Tablet) vaultConfig() vault.Config {
	cfg := vault.Config{Dir: t.opts.Dir, Clock: t.now, Rand: rand.Reader, DeviceKey: t.opts.DeviceKey}
	if t.opts.CheapSecrets {
		cfg.Cost = vault.Cost{Passes: 1, MemoryKiB: 64, Lanes: 1}
	}
	return cfg
}

func (t *Tablet) openStore() (err error) {
	t.store, err = devicestore.Open(filepath.Join(t.opts.Dir, devicestore.FileName), sealer{t})
	return err
}

// begin finishes the opening of a tablet whose file is open, or closes it again.
func (t *Tablet) begin(unlock func(context.Context) error) error {
	ctx := context.Background()
	err := unlock(ctx)
	if err == nil {
		err = t.knowVault(ctx)
	}
	if err == nil {
		err = t.openReplica(ctx)
	}
	if err != nil {
		err = errors.Join(err, t.store.Close())
		t.store = nil
	}
	return err
}

// knowVault makes sure that vault and file belong together.
func (t *Tablet) knowVault(ctx context.Context) error {
	known, err := t.store.Note(ctx, noteVault)
	switch {
	case err != nil:
		return err
	case known == nil:
		return t.store.SetNote(ctx, noteVault, t.vault.ID())
	case string(known) != string(t.vault.ID()):
		return fmt.Errorf("the keys in this folder are another tablet's: %w", vault.ErrDamaged)
	}
	return nil
}

// openReplica opens the replica with what is known of its shard.
func (t *Tablet) openReplica(ctx context.Context) error {
	var s server
	if err := t.readNote(ctx, noteServer, &s); err != nil {
		return err
	}
	r, err := replica.Open(ctx, replica.Config{
		Store: t.store, Keys: t.vault, Clock: t.now, Rand: rand.Reader, Log: t.log, Recipient: s.Recipient,
		Schema: care.Kinds(),
	})
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.server, t.replica = s, r
	return nil
}

// Close ends a running Sync and waits for it, locks the tablet and lets other
// processes open it. It must not be called from a callback.
func (t *Tablet) Close() error {
	t.mu.Lock()
	closed := t.closed
	t.closed = true
	t.forgetPeople()
	t.mu.Unlock()
	t.Stop()
	t.running.Wait()
	if closed {
		return nil
	}
	err := t.store.Close()
	t.reserve.fill()
	t.vault.Lock()
	return fail("close", err)
}

// Stop ends the Sync or Enrol that is running, if any. What it did is kept.
func (t *Tablet) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.calls {
		c.cancel()
	}
}

// call is a Sync or Enrol that is running.
type call struct{ cancel context.CancelFunc }

// beginCall returns a context that Stop ends too, and what must be called at the end.
func (t *Tablet) beginCall(ctx context.Context) (context.Context, func(), error) {
	if ctx == nil {
		ctx = context.Background()
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &call{cancel}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		cancel()
		return nil, nil, errClosed
	}
	t.calls[c] = true
	t.running.Add(1)
	return ctx, func() {
		cancel()
		t.mu.Lock()
		delete(t.calls, c)
		t.mu.Unlock()
		t.running.Done()
	}, nil
}

func (t *Tablet) rep() *replica.Replica {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.replica
}

// sealer is the vault of a tablet, also while there is none yet.
type sealer struct{ t *Tablet }

func (s sealer) SealRow(place, plain []byte) ([]byte, error) {
	if s.t.vault == nil {
		return nil, vault.ErrLocked
	}
	return s.t.vault.SealRow(place, plain)
}

func (s sealer) OpenRow(place, sealed []byte) ([]byte, error) {
	if s.t.vault == nil {
		return nil, vault.ErrLocked
	}
	return s.t.vault.OpenRow(place, sealed)
}

type systemClock struct{}

func (systemClock) NowMs() int64 { return time.Now().UnixMilli() }

// lines is a Log as a writer; a log handler writes one line at a time.
type lines struct{ log Log }

func (l lines) Write(b []byte) (int, error) {
	n := len(b)
	if n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
	}
	l.log.Line(string(b))
	return n, nil
}
