// SPDX-License-Identifier: Apache-2.0

// Package authenticity keeps what makes a county's records doubtful, and what the office made of
// it: a module of the projection over package care/authenticity.
//
//	a person changed ──Look──▶ its visits and keys, what is found in it ──▶ due: doctors' years, shared things
//	nobody waits ──Settle──▶ shared things, doctors' years, and last the quarters whose tests changed
//
// The invariant: when nothing is due, what is found is what package care/authenticity says of
// the records as they stand, and a finding whose evidence did not change is the row that it was.
//
// The package writes no record and nothing personal into the log. Its tables hold hashes of
// telephones and photographs; numbers of documents stand in them as they do in the store.
package authenticity

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"fmt"
	"log/slog"
	"sync/atomic"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// viewer is the file that is read in; *projection.Projection is one.
type viewer interface {
	View(ctx context.Context, read func(*sqlite.Conn) error) error
}

// Config is what a Module is made of; all of it must be given.
type Config struct {
	BuiltIn *carev1.RulePackContent // the pack of the program
	Log     *slog.Logger
}

// Module finds what is doubtful. Look, Settle, Choose and Settings are for one goroutine, the
// projection's; everything else may be called from many.
type Module struct {
	cfg   Config
	rules atomic.Pointer[chosen]
	file  viewer
}

// chosen is the rules in use.
type chosen struct {
	*authenticity.Rules
	name [sha256.Size]byte
}

var (
	_ projection.Module  = (*Module)(nil)
	_ projection.Reader  = (*Module)(nil)
	_ projection.Chooser = (*Module)(nil)
)

//go:embed schema.sql
var schema string

// New returns a module that judges by the pack of the program until Choose says otherwise. Its
// errors are those of authenticity.NewRules.
func New(cfg Config) (*Module, error) {
	m := &Module{cfg: cfg}
	return m, m.use(cfg.BuiltIn)
}

// use makes content the pack that is judged by.
func (m *Module) use(content *carev1.RulePackContent) error {
	r, err := authenticity.NewRules(content)
	if err != nil {
		return err
	}
	m.rules.Store(&chosen{r, sha256.Sum256(fmt.Appendf(nil, "authenticity/%d/%x", authenticity.Version, r.Hash()))})
	return nil
}

// Name is part of projection.Module, as are the methods below.
func (m *Module) Name() string { return "authenticity" }

// Schema returns the tables.
func (m *Module) Schema() string { return schema }

// Settings names the pack. Some rows of the pack look at the day: whether somebody is aged.
func (m *Module) Settings() (name [sha256.Size]byte, daily bool) { return m.rules.Load().name, true }

// Attach is handed the file that questions are answered from.
func (m *Module) Attach(p *projection.Projection) { m.file = p }

// Chooses returns the kind by whose records the pack is chosen.
func (m *Module) Chooses() record.Kind { return care.KindRulePack }

// Choose takes the newest pack of the county that is not void, else that of the program. A pack
// that cannot judge authenticity, because a threshold is missing or it cannot be loaded, leaves
// the one in use: what is wrong with it is logged.
func (m *Module) Choose(_ context.Context, _ *sqlite.Conn, rows []syncengine.RecordRow) error {
	for _, row := range rows {
		state, err := record.DecodeState(row.State)
		if err == nil && state.Life() == record.LifeVoided {
			continue
		}
		if err == nil {
			err = m.useForm(state)
		}
		if err != nil {
			m.cfg.Log.Error("the county's rule pack cannot judge authenticity, the last good one stays", "record", row.ID, "err", err)
		}
		return nil
	}
	return m.use(m.cfg.BuiltIn)
}

func (m *Module) useForm(state record.State) error {
	msg, err := care.Message(care.KindRulePack, state.Registers())
	if err != nil {
		return err
	}
	form, ok := msg.(*carev1.RulePack)
	if !ok {
		return fmt.Errorf("%T is no rule pack", msg)
	}
	pack, err := rules.LoadRecord(form)
	if err != nil {
		return err
	}
	return m.use(pack.Content())
}
