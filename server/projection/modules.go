// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"time"

	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// take checks the modules and takes them on.
func (p *Projection) take(all []Module) error {
	seen := map[string]bool{}
	for _, m := range all {
		name := m.Name()
		if name == "" || seen[name] || strings.ContainsFunc(name, func(r rune) bool { return r < 'a' || r > 'z' }) {
			return fmt.Errorf("module %q: its name must be its own, of lower-case letters", name)
		}
		seen[name] = true
		p.modules = append(p.modules, &module{Module: m, schema: sha256.Sum256([]byte(m.Schema()))})
		if c, ok := m.(Chooser); ok {
			p.chosen = append(p.chosen, c.Chooses())
		}
	}
	slices.Sort(p.chosen)
	p.chosen = slices.Compact(p.chosen)
	p.choose()
	return nil
}

// standing is how far a module has come.
type standing struct {
	name     string
	schema   []byte
	settings []byte // nil: it had none yet
	day      care.Date
	sweep    sweep
}

// sweep is how far all residents have been looked at with the settings on the day.
type sweep struct {
	underWay bool
	onlyDay  bool      // only the day is new
	after    record.ID // the last one; zero: none yet
}

const (
	sqlStandings   = `SELECT name, schema, settings, day, sweep, only_day FROM modules`
	sqlPutStanding = `INSERT OR REPLACE INTO modules (name, schema, settings, day, sweep, only_day) VALUES (?1, ?2, ?3, ?4, ?5, ?6)`
	sqlDropModule  = `DELETE FROM modules WHERE name = ?1`
	sqlDropFailed  = `DELETE FROM failed WHERE module = ?1`
	sqlTablesOf    = `SELECT name FROM sqlite_schema WHERE type = 'table' AND substr(name, 1, length(?1) + 1) = ?1 || '_'`
)

// readStandings returns those of the modules whose tables are there, by name.
func readStandings(conn *sqlite.Conn) (map[string]standing, error) {
	out := map[string]standing{}
	err := sqlitefile.Query(conn, sqlStandings, nil, func(s *sqlite.Stmt) bool {
		one := standing{name: s.ColumnText(0), schema: sqlitefile.Bytes(s, 1), settings: sqlitefile.Bytes(s, 2), day: care.Date(s.ColumnInt64(3))}
		if s.ColumnType(4) != sqlite.TypeNull {
			one.sweep = sweep{underWay: true, onlyDay: s.ColumnBool(5)}
			s.ColumnBytes(4, one.sweep.after[:])
		}
		out[one.name] = one
		return true
	})
	return out, err
}

func (one standing) put(conn *sqlite.Conn) error {
	return sqlitefile.Write(conn, sqlPutStanding, func(s *sqlite.Stmt) {
		s.BindText(1, one.name)
		s.BindBytes(2, one.schema)
		if one.settings == nil {
			s.BindNull(3)
		} else {
			s.BindBytes(3, one.settings)
		}
		s.BindInt64(4, int64(one.day))
		switch {
		case !one.sweep.underWay:
			s.BindNull(5)
		case one.sweep.after.IsZero():
			s.BindZeroBlob(5, 0)
		default:
			s.BindBytes(5, one.sweep.after[:])
		}
		s.BindBool(6, one.sweep.onlyDay)
	})
}

// ensureModules makes the tables of the modules that have none, or other ones, and drops those
// of modules that are no more. Where records were read already, everybody is to be looked at.
func (p *Projection) ensureModules(conn *sqlite.Conn, h header) error {
	have, err := readStandings(conn)
	if err != nil {
		return err
	}
	for _, m := range p.modules {
		one, ok := have[m.Name()]
		delete(have, m.Name())
		if ok && bytes.Equal(one.schema, m.schema[:]) {
			continue
		}
		if err := dropModule(conn, m.Name()); err != nil {
			return err
		}
		if err := m.makeTables(conn); err != nil {
			return fmt.Errorf("module %s: %w", m.Name(), err)
		}
		one = standing{name: m.Name(), schema: m.schema[:], sweep: sweep{underWay: h.position > 0}}
		if err := one.put(conn); err != nil {
			return err
		}
	}
	for name := range have {
		if err := dropModule(conn, name); err != nil {
			return err
		}
	}
	return nil
}

func (m *module) makeTables(conn *sqlite.Conn) error {
	if err := sqlitex.ExecuteScript(conn, m.Schema(), nil); err != nil {
		return err
	}
	if b, ok := m.Module.(Beginner); ok {
		return b.Begin(conn)
	}
	return nil
}

func dropModule(conn *sqlite.Conn, name string) error {
	var names []string
	bind := func(s *sqlite.Stmt) { s.BindText(1, name) }
	err := sqlitefile.Query(conn, sqlTablesOf, bind, func(s *sqlite.Stmt) bool {
		names = append(names, s.ColumnText(0))
		return true
	})
	if err != nil {
		return err
	}
	for _, table := range names {
		if err := sqlitex.ExecuteTransient(conn, `DROP TABLE "`+table+`"`, nil); err != nil {
			return err
		}
	}
	if err := sqlitefile.Write(conn, sqlDropModule, bind); err != nil {
		return err
	}
	return sqlitefile.Write(conn, sqlDropFailed, bind)
}

func (p *Projection) dropModules(conn *sqlite.Conn) error {
	have, err := readStandings(conn)
	for name := range have {
		if err == nil {
			err = dropModule(conn, name)
		}
	}
	return err
}

// choose has the modules choose their settings anew.
func (p *Projection) choose() {
	for _, m := range p.modules {
		_, m.stale = m.Module.(Chooser)
		m.chooseAt = time.Time{}
	}
}
