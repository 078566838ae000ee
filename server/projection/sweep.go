// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"bytes"
	"context"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// sweeping is a piece of the sweeps that stand at one place: the next residents are looked at
// by all of those modules at once.
type sweeping struct {
	standings map[string]standing // of the modules that look
	after     record.ID
	upTo      record.ID // where other modules' sweeps stand, who join there; zero: nobody's does
}

// group returns the sweeps that are least far, of modules that are ready; false: there are none.
func (p *Projection) group(have map[string]standing) (g sweeping, any bool) {
	g.standings = map[string]standing{}
	var places []record.ID
	for _, m := range p.modules {
		if one := have[m.Name()]; one.sweep.underWay && m.ready {
			places = append(places, one.sweep.after)
			g.standings[one.name] = one
		}
	}
	slices.SortFunc(places, record.ID.Compare)
	places = slices.Compact(places)
	if len(places) == 0 {
		return g, false
	}
	if g.after = places[0]; len(places) > 1 {
		g.upTo = places[1]
	}
	for name, one := range g.standings {
		if one.sweep.after != g.after {
			delete(g.standings, name)
		}
	}
	return g, true
}

const (
	sqlNextSubject = `SELECT min(subject) FROM records WHERE subject > ?1`
	sqlAnyRecordOf = `SELECT id FROM records WHERE subject = ?1 LIMIT 1`
)

// nextSubjects returns those who have records, after one and up to another (zero: the last),
// ascending, as many as make a piece.
func nextSubjects(conn *sqlite.Conn, after, upTo record.ID) (all []record.ID, err error) {
	for at := after; len(all) < piecePersons; all = append(all, at) {
		found := false
		err := sqlitefile.Query(conn, sqlNextSubject, bindIDs(at), func(s *sqlite.Stmt) bool {
			if found = s.ColumnType(0) != sqlite.TypeNull; found {
				at = columnID(s, 0)
			}
			return false
		})
		if err != nil || !found || !upTo.IsZero() && bytes.Compare(at[:], upTo[:]) > 0 {
			return all, err
		}
	}
	return all, nil
}

// sweepOn looks at the next residents of a sweep, and reports whether there is none under way.
func (p *Projection) sweepOn(ctx context.Context) (done bool, err error) {
	var residents []record.ID
	var g sweeping
	any := false
	err = p.file.View(ctx, func(conn *sqlite.Conn) error {
		have, err := readStandings(conn)
		if err != nil {
			return err
		}
		if g, any = p.group(have); !any {
			return nil
		}
		residents, err = nextSubjects(conn, g.after, g.upTo)
		return err
	})
	if err != nil || !any {
		return err == nil, err
	}
	all, err := p.gather(ctx, residents, firstWithRecords)
	if err != nil {
		return false, err
	}
	why := func(m *module, _ somebody) (Only, bool) {
		one, ok := g.standings[m.Name()]
		return Only{Day: one.sweep.onlyDay}, ok
	}
	return false, p.look(ctx, all, why, func(conn *sqlite.Conn, _ *header) error { return g.passed(conn, residents[:all.taken]) })
}

// passed notes how far the sweeps have come.
func (g sweeping) passed(conn *sqlite.Conn, residents []record.ID) error {
	for _, one := range g.standings {
		switch {
		case len(residents) > 0:
			one.sweep.after = residents[len(residents)-1]
		case !g.upTo.IsZero():
			one.sweep.after = g.upTo
		default:
			one.sweep = sweep{}
		}
		if err := one.put(conn); err != nil {
			return err
		}
	}
	return nil
}

// firstWithRecords reports whether a sweep comes to a person at this resident: it is the
// first of those with records.
func firstWithRecords(conn *sqlite.Conn, s *somebody) (bool, error) {
	for _, r := range s.residents {
		if r == s.asked {
			return true, nil
		}
		if _, has, err := oneID(conn, sqlAnyRecordOf, r); err != nil || has {
			return false, err
		}
	}
	return true, nil
}
