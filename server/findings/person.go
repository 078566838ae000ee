// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"bytes"
	"slices"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

const (
	// maxLinked bounds the residents of one person. Of more, each is looked at by itself, and
	// that is found about it: nobody is registered so often, and whoever links so many people
	// must not have the server work on all of them at every change of one.
	maxLinked = 64
	// maxRecords bounds the records of one person: some 5 MiB.
	maxRecords = 5000
)

// By links_a and links_b.
const sqlLinked = `SELECT b FROM links WHERE a = ?1 UNION SELECT a FROM links WHERE b = ?1 ORDER BY 1 LIMIT ?2`

// component returns who is one person with a resident, ascending, that one included. With
// tooMany there are more than maxLinked, and some of them are returned.
func component(conn *sqlite.Conn, resident record.ID) (all []record.ID, tooMany bool, err error) {
	all = []record.ID{resident}
	known := map[record.ID]bool{resident: true}
	for next := 0; next < len(all); next++ {
		err := sqlitefile.Query(conn, sqlLinked, func(s *sqlite.Stmt) {
			bindIDs(all[next])(s)
			s.BindInt64(2, maxLinked+1)
		}, func(s *sqlite.Stmt) bool {
			if id := columnID(s, 0); !known[id] {
				known[id] = true
				all = append(all, id)
			}
			return true
		})
		if err != nil {
			return nil, false, err
		}
		if len(all) > maxLinked {
			return all, true, nil
		}
	}
	slices.SortFunc(all, compareIDs)
	return all, false, nil
}

// person is one person with the ids of all records.
type person struct {
	asked     record.ID // the resident by whom it was found
	id        record.ID // the smallest of its residents
	residents []record.ID
	records   []record.ID // at most maxRecords
	fault     fault       // why it cannot be looked at as a whole; empty: it can

	// tried are the rules to try on all records; those without rules: the whole pack. What the
	// others found is in stored, by record, but for records that changed, and they are tried on
	// those.
	tried   portion
	changed map[record.ID]bool
	stored  map[record.ID][]*carev1.Finding
}

const sqlRecordsOf = `SELECT id FROM records WHERE subject = ?1 ORDER BY id LIMIT ?2`

// personOf returns the person that a resident is.
func personOf(conn *sqlite.Conn, resident record.ID) (p person, err error) {
	all, tooMany, err := component(conn, resident)
	if err != nil {
		return p, err
	}
	if tooMany {
		all, p.fault = []record.ID{resident}, faultLinked
	}
	p.asked, p.id, p.residents = resident, all[0], all
	for _, r := range all {
		err := sqlitefile.Query(conn, sqlRecordsOf, func(s *sqlite.Stmt) {
			bindIDs(r)(s)
			s.BindInt64(2, maxRecords+1)
		}, func(s *sqlite.Stmt) bool {
			p.records = append(p.records, columnID(s, 0))
			return len(p.records) <= maxRecords
		})
		if err != nil {
			return p, err
		}
		if len(p.records) > maxRecords {
			p.records, p.fault = slices.Clone(all), faultRecords // where the person is
			break
		}
	}
	slices.SortFunc(p.records, compareIDs)
	return p, nil
}

const (
	sqlWhole     = `SELECT whole FROM queue WHERE resident = ?1`
	sqlChangedOf = `SELECT record FROM changed WHERE resident = ?1`
)

// readChanged reads which of the person's records changed. While a new pack is being tried on
// everybody, nothing that stands is known to be of it.
func (p *person) readChanged(conn *sqlite.Conn, h header, k *pack) error {
	whole := h.sweep.underWay && !h.sweep.daily
	p.changed = map[record.ID]bool{}
	for _, r := range p.residents {
		_, err := sqlitefile.One(conn, sqlWhole, bindIDs(r), func(s *sqlite.Stmt) { whole = whole || s.ColumnBool(0) })
		if err != nil {
			return err
		}
		err = sqlitefile.Query(conn, sqlChangedOf, bindIDs(r), func(s *sqlite.Stmt) bool {
			p.changed[columnID(s, 0)] = true
			return true
		})
		if err != nil {
			return err
		}
	}
	if !whole && 2*len(p.changed) <= len(p.records) {
		p.tried = k.rest
	}
	return nil
}

// readStored reads what need not be looked for again. Where anything was left out, or went
// wrong, everything is.
func (p *person) readStored(conn *sqlite.Conn) error {
	if p.fault != "" {
		p.tried = portion{}
	}
	p.stored = map[record.ID][]*carev1.Finding{}
	for i := 0; i < len(p.residents) && p.tried.Rules != nil; i++ {
		var failed error
		err := sqlitefile.Query(conn, sqlRowsOf, bindIDs(p.residents[i]), func(s *sqlite.Stmt) bool {
			var set Set
			if set, failed = columnRow(s).set(); failed == nil {
				p.store(set)
			}
			return failed == nil
		})
		if err := firstOf(err, failed); err != nil {
			return err
		}
	}
	return nil
}

// store keeps what stands of a set.
func (p *person) store(s Set) {
	if s.Omitted > 0 || s.Record.IsZero() {
		p.tried = portion{}
	}
	for _, one := range s.Findings {
		switch {
		case one.GetRuleId() == string(faultRecord):
			p.tried = portion{}
		case !p.tried.has[one.GetRuleId()]:
			p.stored[s.Record] = append(p.stored[s.Record], one)
		}
	}
}

func compareIDs(a, b record.ID) int { return bytes.Compare(a[:], b[:]) }
