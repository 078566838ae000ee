// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"context"
	_ "embed"
	"io"
	"log/slog"
	"sync"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Config is what Findings are made of. All but Load and Part must be given.
type Config struct {
	BuiltIn Rules // the pack for a county without one of its own
	// Load checks a pack that a record carries; nil: rules.LoadRecord.
	Load func(*carev1.RulePack) (Rules, error)
	// Part makes a pack of some rules of another one, nil if it cannot; nil: the Only of a *rules.Pack.
	Part func(of Rules, has func(rule string) bool) Rules
	Rand io.Reader
	Log  *slog.Logger
}

// Findings are what is found in one county: a module of its projection, which calls the methods
// of projection.Module; everything else may be called from many, once it is attached.
type Findings struct {
	cfg  Config
	file *projection.Projection // nil: not attached yet
	pack *pack                  // that is tried; nil: not chosen yet

	mu   sync.Mutex // guards told
	told *pack      // what is told of it

	sets setsCounted
}

// New returns the findings of a county, for its projection.
func New(cfg Config) *Findings {
	if cfg.Load == nil {
		cfg.Load = func(form *carev1.RulePack) (Rules, error) { return rules.LoadRecord(form) }
	}
	if cfg.Part == nil {
		cfg.Part = only
	}
	return &Findings{cfg: cfg}
}

func only(of Rules, has func(rule string) bool) Rules {
	if p, ok := of.(*rules.Pack); ok {
		return p.Only(has)
	}
	return nil
}

// name is the module's, with which the names of its tables begin.
const name = "findings"

//go:embed schema.sql
var schema string

// Name implements projection.Module.
func (f *Findings) Name() string { return name }

// Schema implements projection.Module.
func (f *Findings) Schema() string { return schema }

// Attach implements projection.Reader.
func (f *Findings) Attach(p *projection.Projection) { f.file = p }

// Chooses implements projection.Chooser.
func (f *Findings) Chooses() record.Kind { return care.KindRulePack }

// Settings returns the hash of the pack that was chosen, and whether any of its rules looks at the day.
func (f *Findings) Settings() (hash [32]byte, daily bool) {
	return f.pack.hash, len(f.pack.daily.has) > 0
}

// Settle implements projection.Module: there is nothing about more than one person.
func (f *Findings) Settle(context.Context, *sqlitefile.File, care.Date) (done bool, err error) {
	return true, nil
}

// Pack returns the rules in force, nil when none were chosen since the start.
func (f *Findings) Pack() Rules {
	if p := f.hear(); p != nil {
		return p.Rules
	}
	return nil
}

func (f *Findings) tell(p *pack) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = p
}

func (f *Findings) hear() *pack {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.told
}

// passOver notes that the rules could not be tried on somebody.
func (f *Findings) passOver(id record.ID, err error) {
	if f.file != nil {
		f.file.PassOver(id, err)
	}
}

// view reads one snapshot of the file.
func (f *Findings) view(ctx context.Context, read func(*sqlite.Conn) error) error {
	return f.file.View(ctx, read)
}
