// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Shard is what is followed; *syncengine.Engine is one.
type Shard interface {
	// Epoch returns the present epoch: in another one positions begin anew.
	Epoch() ledger.Epoch
	// Changed returns a channel that is closed at the next commit.
	Changed() <-chan struct{}
	// Position returns the feed position of the last commit.
	Position() syncengine.Position
	// List returns rows in feed order.
	List(context.Context, syncengine.FeedQuery) ([]syncengine.RecordRow, error)
	// Rows returns those of these records that are there, in the order of ids.
	Rows(ctx context.Context, ids []record.ID) ([]syncengine.RecordRow, error)
	// Receipts returns what is known of the coming of records, in the order of rows.
	Receipts(ctx context.Context, rows []syncengine.RecordRow) ([]syncengine.Receipts, error)
}

// Config is what a Projection is made of. All but Others must be given.
type Config struct {
	Shard   Shard
	Path    string   // of the file
	Modules []Module // with different names; they choose and look in this order
	Others  *Others  // who else is served; nil: nobody says
	Clock   func() time.Time
	Log     *slog.Logger
}

// Projection is what the modules keep of one county. Follow, Step and Run are for one goroutine
// at a time; everything else may be called from many.
type Projection struct {
	cfg     Config
	file    *sqlitefile.File
	modules []*module
	day     care.Date

	chosen []record.Kind // by whose records settings are chosen, ascending

	mu         sync.Mutex // guards told, forgetting but for its channel, and savers
	told       told
	forgetting forgetting
	savers     map[int64]saver
}

// module is a Module at work.
type module struct {
	Module
	schema  [32]byte
	chosen  bool // it has chosen, if it is a Chooser
	stale   bool // it has to choose, as a record that it chooses by has changed since
	ready   bool // it has told its settings
	settled bool // there is nothing that it has to settle

	chooseAt, askAt, settleAt time.Time // not before
}

//go:embed migrations/*.sql
var migrations embed.FS

func schema() sqlitefile.Schema {
	return sqlitefile.Schema{Name: "file of projections", ApplicationID: 0x787a706a, Migrations: must(fs.Sub(migrations, "migrations"))} // "xzpj"
}

func must(files fs.FS, err error) fs.FS {
	if err != nil {
		panic(err) // the name is no path
	}
	return files
}

// Little is kept in memory by readers: pages are read once, in order, and the county's own file needs the room. The one who
// writes comes back to the same pages of indexes and sums: with 4 MiB it read them anew, a fifth of the time of a rebuild.
func options() sqlitefile.Options {
	return sqlitefile.Options{Create: true, Readers: 3, ReaderCache: 1 << 20, WriterCache: 16 << 20}
}

// Open opens the file, or makes it. One that is damaged, another program's, or of a newer
// build is deleted and made anew: all that it had comes back. The modules' tables are made, those
// of modules that are no more are dropped, and each Reader is handed the projection.
func Open(ctx context.Context, cfg Config) (*Projection, error) {
	// A former run may have ended before it cut off what was erased.
	p := &Projection{cfg: cfg, savers: map[int64]saver{}, forgetting: forgetting{asked: 1, wake: make(chan struct{}, 1)}}
	if err := p.take(cfg.Modules); err != nil {
		return nil, fmt.Errorf("projection: %w", err)
	}
	err := p.open(ctx)
	if errors.Is(err, sqlitefile.ErrCorrupt) || errors.Is(err, sqlitefile.ErrForeign) || errors.Is(err, sqlitefile.ErrNewer) {
		cfg.Log.Error("the file of projections cannot be used and is made anew", "err", err)
		if err = Remove(cfg.Path); err == nil {
			err = p.open(ctx)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("projection: %w", err)
	}
	for _, m := range p.modules {
		if r, ok := m.Module.(Reader); ok {
			r.Attach(p)
		}
	}
	return p, nil
}

func (p *Projection) open(ctx context.Context) (err error) {
	if p.file, err = sqlitefile.Open(p.cfg.Path, schema(), options()); err != nil {
		return err
	}
	if err := p.file.Update(ctx, p.ensure); err != nil {
		return errors.Join(err, p.file.Close())
	}
	return nil
}

// Remove deletes the file at path with what SQLite keeps beside it. Nobody may have it open.
func Remove(path string) error {
	for _, name := range []string{path + "-wal", path + "-shm", path} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Close waits for running calls and closes the file. Run must have returned.
func (p *Projection) Close() error { return p.file.Close() }

// View runs read on one snapshot of the file, in which modules find their tables.
func (p *Projection) View(ctx context.Context, read func(*sqlite.Conn) error) error {
	return p.file.View(ctx, read)
}
