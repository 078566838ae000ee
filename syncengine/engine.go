// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Config is what an Engine is made of. All but Log, Observe, Scopes, CertificateLife and
// Batch must be given.
type Config struct {
	Store    Store
	ShardKey segment.Signer   // certificates, acks, checkpoints
	Clock    func() time.Time // the centre's clock
	Rand     io.Reader        // keys, salts, epoch names, codes
	Schema   record.Schema    // kinds this build knows
	Log      *slog.Logger     // nil: nothing is logged

	// Observe is told of every transaction that wrote, or failed to; nil: nobody is. It is
	// called by whoever committed, and must not take long.
	Observe func(Commit)

	// Scopes returns the divisions that a certificate for these is to name: more where codes
	// were changed, so that whoever has the old code has the new one, too. It must not ask the
	// engine, and what it adds it must not add again to its own result; nil: they stay as they are.
	Scopes func(divisions []record.Division) []record.Division

	// CertificateLife is how long a new certificate may pull; 0: 400 days, so that
	// a tablet used once a year does not lapse.
	CertificateLife time.Duration
	// Batch is the greatest number of waiting pushes committed together; 0: 64.
	// More makes a commit cheaper per push and each push wait longer.
	Batch int
}

const (
	defaultCertificateLife = 400 * 24 * time.Hour
	defaultBatch           = 64
)

// ErrNotCreated is returned by Open for a store that holds no shard yet.
var ErrNotCreated = errors.New("the store holds no shard yet")

// Engine is one shard. Its methods may be called from many goroutines.
type Engine struct {
	cfg   Config
	shard segment.ShardID
	rules rules
	zstd  *segment.Compressor
	cache *segmentCache
	certs certificateCache
	group group
	room  record.Room // of the batch in progress; there is one at a time

	mu   sync.RWMutex // guards head, swapped as a whole after each commit
	head head
	wake chan struct{} // closed and replaced after each commit

	writing  chan struct{} // has room for the one update that runs
	shared   bool          // others may write the store, too; does not change after Open
	alone    bool          // nobody else writes the store, whatever it says
	doubtful bool          // head may not be what the store holds; of the update that runs
	leftover bool          // the store's log may have what was erased; of the update that runs

	blocked map[causal.ReplicaID]Blocked
	lacking lacking
}

// head is what the engine knows between commits without asking the store.
type head struct {
	epoch    ledger.Epoch
	size     ledger.Size
	position Position
	sums     map[SumKey]Sum      // of updates alone, which change it in place when they are on disk
	edge     map[int64]tlog.Hash // tree hashes that the next leaf will need
	acts     actIndex            // never changed in place
	// before names, for each replica that goes on with others' rights, those others.
	// Never changed in place.
	before  map[causal.ReplicaID][]causal.ReplicaID
	centre  centreHead
	stopped bool // rolled back: see ReasonRolledBack

	mark uint64 // of the store, where others write it, too: see Marked
	// seen says that this was read by a View, which needs no sums: there are none.
	seen bool
}

// Names of single values in the store. One that does not follow from the ledger
// belongs in a Snapshot, too.
const (
	valueEpoch      = "epoch"
	valuePosition   = "position"
	valueCentre     = "centre"
	valueStopped    = "stopped"
	valueMarks      = "marks"
	valueCodes      = "code/"
	valueSuccessors = "successors/"
	valueRebuilding = "rebuilding"
	valueHeard      = "heard/"
)

// Create makes the shard in an empty store: epoch 1, the centre's own replica and
// its certificate. It fails when the store already holds one.
func Create(ctx context.Context, cfg Config) (*Engine, error) {
	e := newEngine(cfg)
	name, err := e.epochName()
	if err != nil {
		return nil, err
	}
	err = cfg.Store.Update(ctx, func(tx Tx) error {
		if _, ok, err := tx.Value(valueEpoch); err != nil || ok {
			return errors.Join(err, errors.New("the store already holds a shard"))
		}
		return tx.PutValue(valueEpoch, []byte(ledger.Epoch{Number: 1, Name: name}.String()))
	})
	if err != nil {
		return nil, fmt.Errorf("create shard: %w", err)
	}
	if err := e.load(ctx); err != nil {
		return nil, fmt.Errorf("create shard: %w", err)
	}
	if err := e.newCentre(ctx); err != nil {
		return nil, fmt.Errorf("create shard: %w", err)
	}
	return e, nil
}

// Open opens the shard in a store, or returns an error that wraps ErrNotCreated.
func Open(ctx context.Context, cfg Config) (*Engine, error) {
	e := newEngine(cfg)
	if err := e.load(ctx); err != nil {
		return nil, fmt.Errorf("open shard: %w", err)
	}
	return e, nil
}

func newEngine(cfg Config) *Engine {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Scopes == nil {
		cfg.Scopes = func(divisions []record.Division) []record.Division { return divisions }
	}
	if cfg.CertificateLife == 0 {
		cfg.CertificateLife = defaultCertificateLife
	}
	if cfg.Batch == 0 {
		cfg.Batch = defaultBatch
	}
	return &Engine{
		cfg:   cfg,
		shard: segment.ShardOf(cfg.ShardKey.Public()),
		rules: lawful,
		zstd:  segment.NewCompressor(),
		cache: newSegmentCache(),
		wake:  make(chan struct{}),

		writing:  make(chan struct{}, 1),
		leftover: true, // a process that was killed leaves its log
		blocked:  map[causal.ReplicaID]Blocked{},
	}
}

func (e *Engine) epochName() (name [8]byte, err error) {
	if _, err = io.ReadFull(e.cfg.Rand, name[:]); err != nil {
		err = fmt.Errorf("name the epoch: %w", err)
	}
	return name, err
}

// load reads head from the store.
func (e *Engine) load(ctx context.Context) error {
	var h head
	err := e.cfg.Store.View(ctx, func(r Reader) (err error) {
		_, e.shared = r.(Marked)
		h, err = e.wholeHead(r)
		return err
	})
	if err != nil {
		return err
	}
	e.mu.Lock()
	e.head = h
	e.mu.Unlock()
	return nil
}

func readHead(r Reader) (head, error) {
	h := head{edge: map[int64]tlog.Hash{}}
	text, ok, err := r.Value(valueEpoch)
	if err != nil {
		return h, err
	}
	if !ok {
		return h, ErrNotCreated
	}
	if h.epoch, err = ledger.ParseEpoch(string(text)); err != nil {
		return h, err
	}
	err = h.read(r)
	return h, err
}

// read reads all of a head but its epoch.
func (h *head) read(r Reader) (err error) {
	if h.size, err = r.Size(); err != nil {
		return err
	}
	if h.position, err = readPosition(r); err != nil {
		return err
	}
	if h.sums, err = r.Sums(); err != nil {
		return err
	}
	if h.centre, err = readCentre(r); err != nil {
		return err
	}
	if h.acts, err = readActs(r); err != nil {
		return err
	}
	stopped, _, err := r.Value(valueStopped)
	h.stopped = len(stopped) > 0
	return err
}

// Shard returns the shard's id.
func (e *Engine) Shard() segment.ShardID { return e.shard }

// ShardKey returns the shard's public key.
func (e *Engine) ShardKey() []byte { return e.cfg.ShardKey.Public() }

// Epoch returns the present epoch.
func (e *Engine) Epoch() ledger.Epoch { return e.snapshot().epoch }

// Position returns the feed position of the last commit.
func (e *Engine) Position() Position { return e.snapshot().position }

// Size returns the number of leaves of the ledger.
func (e *Engine) Size() ledger.Size { return e.snapshot().size }

// Stopped reports whether the engine refuses to accept because a caller has seen
// a later state of this shard than the store holds.
func (e *Engine) Stopped() bool { return e.snapshot().stopped }

func (e *Engine) snapshot() head {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.head
}

// Changed returns a channel that is closed at the next commit.
func (e *Engine) Changed() <-chan struct{} {
	e.mu.RLock()
	defer e.mu.RUnlock()
	return e.wake
}

// now returns the centre's time in whole milliseconds, as ledger and certificates carry it.
func (e *Engine) now() time.Time { return e.cfg.Clock().UTC().Truncate(time.Millisecond) }
