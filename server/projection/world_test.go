// SPDX-License-Identifier: Apache-2.0

package projection_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/memstore"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

const (
	village      = "431124101201"
	otherVillage = "431124101202"
)

// county is a centre in memory with a projection in a file.
type county struct {
	*syncengine.Engine
	t       *testing.T
	now     time.Time
	path    string
	rand    *rand.ChaCha8
	log     strings.Builder
	shard   projection.Shard
	modules []projection.Module
	p       *projection.Projection
}

func newCounty(t *testing.T, modules ...projection.Module) *county {
	t.Helper()
	c := &county{
		t: t, now: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC), path: filepath.Join(t.TempDir(), "projections.db"),
		rand: rand.NewChaCha8([32]byte{1}), modules: modules,
	}
	seed := make([]byte, ed25519.SeedSize)
	_, _ = c.rand.Read(seed)
	var err error
	c.Engine, err = syncengine.Create(context.Background(), syncengine.Config{
		Store: memstore.New(), ShardKey: segment.KeySigner(ed25519.NewKeyFromSeed(seed)),
		Clock: func() time.Time { c.now = c.now.Add(time.Second); return c.now }, Rand: c.rand, Schema: care.Kinds(),
	})
	c.must(err)
	c.shard = c.Engine
	c.open()
	t.Cleanup(func() { _ = c.p.Close() })
	return c
}

func (c *county) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *county) open() {
	c.t.Helper()
	var err error
	c.p, err = projection.Open(context.Background(), projection.Config{
		Shard: c.shard, Path: c.path, Modules: c.modules, Clock: func() time.Time { return c.now }, Log: slog.New(slog.NewTextHandler(&c.log, nil)),
	})
	c.must(err)
}

// reopen closes the file and opens it again, as a process does that starts anew, with these modules.
func (c *county) reopen(modules ...projection.Module) {
	c.t.Helper()
	c.must(c.p.Close())
	c.modules = modules
	c.open()
}

func (c *county) follow() {
	c.t.Helper()
	c.must(c.p.Follow(c.t.Context()))
}

func (c *county) state(m *mirror) projection.ModuleState {
	c.t.Helper()
	s, err := c.p.State(c.t.Context())
	c.must(err)
	one, ok := s.Module(m.Name())
	if !ok {
		c.t.Fatalf("no module %s", m.Name())
	}
	return one
}

// save saves a form, a new record when id is zero.
func (c *county) save(id record.ID, kind record.Kind, form proto.Message, more ...record.Change) record.ID {
	c.t.Helper()
	var shown []record.Register
	if view, err := c.Get(context.Background(), id); err == nil {
		shown = view.State.Registers()
	}
	changes, err := care.Diff(kind, shown, form)
	c.must(err)
	if changes = append(changes, more...); len(changes) == 0 {
		return id
	}
	saved, err := c.Save(context.Background(), "li", syncengine.OfficeSave{Record: id, Kind: kind, Changes: changes})
	c.must(err)
	return saved[0].Record
}

func scope(division string) record.Change {
	return record.Change{Path: record.PathScope, Value: record.Of([]byte(division))}
}

func about(resident record.ID) record.Change {
	return record.Change{Path: record.PathSubject, Value: record.Of(resident[:])}
}

func (c *county) register(division string) record.ID {
	c.t.Helper()
	return c.save(record.ID{}, care.KindResident, &carev1.Resident{Name: "王演示"}, scope(division))
}

func (c *county) visit(resident record.ID, division string, day int32) record.ID {
	c.t.Helper()
	return c.save(record.ID{}, care.KindHypertensionFollowUp, &carev1.HypertensionFollowUp{ServiceDate: day}, scope(division), about(resident))
}

func (c *county) link(a, b record.ID, state carev1.LinkState) {
	c.t.Helper()
	c.save(care.LinkID(a, b), care.KindResidentLink, care.NewLink(a, b, &carev1.LinkRuling{
		State: state, Basis: carev1.LinkBasis_LINK_BASIS_PERSON,
	}), scope(village))
}

func (c *county) change(id record.ID, changes ...record.Change) {
	c.t.Helper()
	_, err := c.Save(context.Background(), "li", syncengine.OfficeSave{Record: id, Changes: changes})
	c.must(err)
}

// mirror is a module that keeps of each person what it was shown.
type mirror struct {
	name     string
	extra    string // of its schema
	settings byte
	daily    bool

	looks  int // since the last reset
	only   map[record.ID]projection.Only
	fails  func(*projection.Person) error
	unable error // to choose
	chosen int   // how many records it was shown
	pieces int   // that it has to settle
}

func (m *mirror) reset() { m.looks, m.only = 0, map[record.ID]projection.Only{} }

func (m *mirror) Name() string { return m.name }

func (m *mirror) Schema() string {
	return strings.ReplaceAll(`CREATE TABLE NAME_persons (person BLOB PRIMARY KEY, text TEXT NOT NULL) STRICT, WITHOUT ROWID; CREATE INDEX NAME_text ON NAME_persons (text);`, "NAME", m.name) + m.extra
}

func (m *mirror) Settings() ([32]byte, bool) { return [32]byte{m.settings}, m.daily }

func (m *mirror) Look(conn *sqlite.Conn, p *projection.Person, day care.Date) error {
	m.looks++
	if m.only != nil {
		m.only[p.ID] = p.Only
	}
	for _, r := range p.Residents {
		if err := sqlitefile.Write(conn, `DELETE FROM `+m.name+`_persons WHERE person = ?1`, func(s *sqlite.Stmt) { s.BindBytes(1, r[:]) }); err != nil {
			return err
		}
	}
	if len(p.Rules.Entries()) > 0 {
		err := sqlitefile.Write(conn, `INSERT INTO `+m.name+`_persons (person, text) VALUES (?1, ?2)`, func(s *sqlite.Stmt) {
			s.BindBytes(1, p.ID[:])
			s.BindText(2, m.text(p, day))
		})
		if err != nil {
			return err
		}
	}
	if m.fails != nil {
		return m.fails(p) // after it wrote
	}
	return nil
}

// text is what it keeps of a person.
func (m *mirror) text(p *projection.Person, day care.Date) string {
	var b strings.Builder
	fmt.Fprintf(&b, "settings %d of %v %s:", m.settings, p.Residents, p.Fault)
	if m.daily {
		fmt.Fprintf(&b, " on %s:", day)
	}
	for _, e := range p.Rules.Entries() {
		fmt.Fprintf(&b, " %s %v", e.ID, e.Form)
	}
	return b.String()
}

func (m *mirror) Settle(context.Context, *sqlitefile.File, care.Date) (bool, error) {
	if m.pieces == 0 {
		return true, nil
	}
	m.pieces--
	return false, nil
}

// kept returns what it keeps, by person.
func (m *mirror) kept(c *county) map[record.ID]string {
	c.t.Helper()
	out := map[record.ID]string{}
	c.must(c.p.View(c.t.Context(), func(conn *sqlite.Conn) error {
		return sqlitefile.Query(conn, `SELECT person, text FROM `+m.name+`_persons`, nil, func(s *sqlite.Stmt) bool {
			var id record.ID
			s.ColumnBytes(0, id[:])
			out[id] = s.ColumnText(1)
			return true
		})
	}))
	return out
}

// expected returns what follows from the persons as they stand.
func (m *mirror) expected(c *county) map[record.ID]string {
	c.t.Helper()
	out := map[record.ID]string{}
	c.must(c.p.Walk(c.t.Context(), "", func(p *projection.Person) error {
		if _, twice := out[p.ID]; twice {
			c.t.Errorf("person %s twice", p.ID)
		}
		if len(p.Rules.Entries()) > 0 {
			out[p.ID] = m.text(p, care.DateOf(c.now))
		}
		return nil
	}))
	return out
}

// choosing is a mirror that chooses by rule packs.
type choosing struct{ *mirror }

func (m choosing) Chooses() record.Kind { return care.KindRulePack }

func (m choosing) Choose(_ context.Context, _ *sqlite.Conn, rows []syncengine.RecordRow) error {
	if m.unable != nil {
		return m.unable
	}
	if !slices.IsSortedFunc(rows, func(a, b syncengine.RecordRow) int { return strings.Compare(b.ID.String(), a.ID.String()) }) {
		return errors.New("the greatest is not the first")
	}
	m.chosen = len(rows)
	m.settings = byte(len(rows))
	return nil
}
