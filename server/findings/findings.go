// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"sync"
	"time"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Config is what Findings are made of. All but Load and Part must be given.
type Config struct {
	Shard   Shard
	Path    string // of the file
	BuiltIn Rules  // the pack for a county without one of its own
	// Load checks a pack that a record carries; nil: rules.LoadRecord.
	Load func(*carev1.RulePack) (Rules, error)
	// Part makes a pack of some rules of another one; nil: rules.LoadContent.
	Part  func(content []byte) (Rules, error)
	Clock func() time.Time
	Rand  io.Reader
	Log   *slog.Logger
}

// Findings are what is found in one county. Follow and Run are for one goroutine at a time;
// everything else may be called from many.
type Findings struct {
	cfg  Config
	file *sqlitefile.File

	pack  *pack // that is tried; nil: not chosen yet
	packs bool  // a record of the kind rule_pack has changed since it was chosen
	day   care.Date

	mu   sync.Mutex // guards told
	told told
}

//go:embed migrations/*.sql
var migrations embed.FS

func schema() sqlitefile.Schema {
	return sqlitefile.Schema{Name: "file of findings", ApplicationID: 0x787a6664, Migrations: must(fs.Sub(migrations, "migrations"))} // "xzfd"
}

func must(files fs.FS, err error) fs.FS {
	if err != nil {
		panic(err) // the name is no path
	}
	return files
}

// Little is kept in memory: pages are read once, in order, and the county's own file needs the room.
func options() sqlitefile.Options {
	return sqlitefile.Options{Create: true, Readers: 2, ReaderCache: 1 << 20, WriterCache: 4 << 20}
}

// Open opens the file, or makes it. One that is damaged, another program's, or of a newer
// build is deleted and made anew: all that it had comes back.
func Open(ctx context.Context, cfg Config) (*Findings, error) {
	if cfg.Load == nil {
		cfg.Load = func(form *carev1.RulePack) (Rules, error) { return rules.LoadRecord(form) }
	}
	if cfg.Part == nil {
		cfg.Part = func(content []byte) (Rules, error) { return rules.LoadContent(content) }
	}
	f := &Findings{cfg: cfg}
	err := f.open(ctx)
	if errors.Is(err, sqlitefile.ErrCorrupt) || errors.Is(err, sqlitefile.ErrForeign) || errors.Is(err, sqlitefile.ErrNewer) {
		cfg.Log.Error("the file of findings cannot be used and is made anew", "err", err)
		if err = Remove(cfg.Path); err == nil {
			err = f.open(ctx)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("findings: %w", err)
	}
	return f, nil
}

func (f *Findings) open(ctx context.Context) (err error) {
	if f.file, err = sqlitefile.Open(f.cfg.Path, schema(), options()); err != nil {
		return err
	}
	if err := f.file.Update(ctx, f.ensureHeader); err != nil {
		return errors.Join(err, f.file.Close())
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
func (f *Findings) Close() error { return f.file.Close() }

func (f *Findings) ensureHeader(conn *sqlite.Conn) error {
	h, ok, err := readHeader(conn)
	if err != nil || ok && h.epoch == f.cfg.Shard.Epoch().String() {
		return err
	}
	return f.beginAnew(conn)
}

func (f *Findings) today() care.Date { return care.DateOf(f.cfg.Clock()) }
