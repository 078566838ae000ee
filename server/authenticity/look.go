// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Stages of what is due, in the order in which it is done.
const (
	stageShared  = 1
	stageYear    = 2
	stageQuarter = 3
)

const (
	sqlDigest     = `SELECT digest FROM authenticity_persons WHERE person = ?1`
	sqlPutDigest  = `INSERT INTO authenticity_persons (person, digest) VALUES (?1, ?2) ON CONFLICT DO UPDATE SET digest = ?2`
	sqlDropDigest = `DELETE FROM authenticity_persons WHERE person = ?1`

	// By authenticity_visits_person and authenticity_keys_person.
	sqlDueYears   = `INSERT OR IGNORE INTO authenticity_due (stage, name, number) SELECT DISTINCT 2, doctor, year FROM authenticity_visits WHERE person = ?1`
	sqlDueKeys    = `INSERT OR IGNORE INTO authenticity_due (stage, name, number) SELECT DISTINCT 1, kind, hash FROM authenticity_keys WHERE person = ?1`
	sqlDropVisits = `DELETE FROM authenticity_visits WHERE person = ?1`
	sqlDropKeys   = `DELETE FROM authenticity_keys WHERE person = ?1`

	sqlPutVisit = `INSERT OR REPLACE INTO authenticity_visits (doctor, year, record, person, content) VALUES (?1, ?2, ?3, ?4, ?5)`
	sqlPutKey   = `INSERT OR REPLACE INTO authenticity_keys (kind, hash, record, person, content) VALUES (?1, ?2, ?3, ?4, ?5)`
	sqlPutDue   = `INSERT OR IGNORE INTO authenticity_due (stage, name, number) VALUES (?1, ?2, ?3)`

	sqlDropHome = `DELETE FROM authenticity_homes WHERE household = ?1`
	sqlPutHome  = `INSERT OR REPLACE INTO authenticity_homes (household, latitude, longitude, accuracy, system) VALUES (?1, ?2, ?3, ?4, ?5)`
	sqlDueKey   = `INSERT OR IGNORE INTO authenticity_due (stage, name, number) SELECT 1, kind, hash FROM authenticity_keys WHERE kind = ?1 AND hash = ?2 LIMIT 1`

	// By authenticity_posts_record.
	sqlDropPosts = `DELETE FROM authenticity_posts WHERE record = ?1`
	sqlPutPost   = `INSERT INTO authenticity_posts (record, staff, since, until) VALUES (?1, ?2, ?3, ?4)`
	// By the primary key. Whose records somebody signed for others is due by its key.
	sqlDueDoctor = `INSERT OR IGNORE INTO authenticity_due (stage, name, number) SELECT DISTINCT 2, doctor, year FROM authenticity_visits WHERE doctor = ?1`
	sqlStaffOf   = `SELECT DISTINCT staff FROM authenticity_posts WHERE record = ?1`
	// Without any list nobody can be missing from it: the first and the last post are everybody's matter.
	sqlDueAll = `INSERT OR IGNORE INTO authenticity_due (stage, name, number) SELECT DISTINCT 2, doctor, year FROM authenticity_visits`

	sqlPutRuling  = `INSERT OR REPLACE INTO authenticity_rulings (finding, decision, content, author) VALUES (?1, ?2, ?3, ?4)`
	sqlDropRuling = `DELETE FROM authenticity_rulings WHERE finding = ?1`
)

// Look writes the evidence of a person and what is found in it. Where the evidence is as it
// was, nothing is written and nothing becomes due.
func (m *Module) Look(conn *sqlite.Conn, p *projection.Person, day care.Date) error {
	if p.ID.Kind() == authenticity.KindRuling {
		return lookAtRuling(conn, p)
	}
	var e authenticity.Evidence
	use := m.rules.Load()
	if p.Rules != nil {
		e = use.Gather(input(p), day)
	}
	digest := digestOf(use.name, e)
	same, err := unchanged(conn, p, digest)
	if err != nil || same {
		return err
	}
	for _, r := range p.Residents {
		if err := drop(conn, r); err != nil {
			return err
		}
	}
	if err := put(conn, p.ID, e); err != nil {
		return err
	}
	if err := lookAtList(conn, p.ID, e); err != nil {
		return err
	}
	for _, r := range p.Residents { // those that were persons of their own
		if r != p.ID {
			if err := replace(conn, sourcePerson(r), nil); err != nil {
				return err
			}
		}
	}
	if err := replace(conn, sourcePerson(p.ID), allToWire(e.Found)); err != nil {
		return err
	}
	return sqlitefile.Write(conn, sqlPutDigest, func(s *sqlite.Stmt) {
		s.BindBytes(1, p.ID[:])
		s.BindBytes(2, digest[:])
	})
}

func sourcePerson(id record.ID) string { return "p" + id.String() }

// input returns a person as rules take it.
func input(p *projection.Person) authenticity.Input {
	in := authenticity.Input{Person: p.Rules, Places: make(map[record.ID]authenticity.Place, len(p.Rows))}
	for id, row := range p.Rows {
		place := authenticity.Place{Class: row.Class, Author: row.First.Author, Saved: row.First.SavedAt, Received: row.First.ReceivedAt}
		if len(row.Divisions) > 0 {
			place.Division = row.Divisions[0]
		}
		in.Places[id] = place
	}
	return in
}

// digestOf names all of some evidence and the rules that it is for: with other rules everything
// that it has a part in is due.
func digestOf(use [sha256.Size]byte, e authenticity.Evidence) [sha256.Size]byte {
	h := sha256.New()
	h.Write(use[:])
	for i := range e.Visits {
		h.Write(e.Visits[i].Encode())
	}
	for i := range e.Keys {
		fmt.Fprintf(h, "%d/%d/", e.Keys[i].Kind, e.Keys[i].Hash)
		h.Write(e.Keys[i].Member.Encode())
	}
	fmt.Fprintf(h, "%v%v", e.Homes, e.Posts)
	for i := range e.Found {
		sum := e.Found[i].Digest()
		h.Write(sum[:])
		fmt.Fprintf(h, "%v%d", e.Found[i].Items, e.Found[i].Class)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// unchanged reports whether the person's evidence was of this digest, and no other of its
// residents had any.
func unchanged(conn *sqlite.Conn, p *projection.Person, digest [sha256.Size]byte) (bool, error) {
	same := false
	for _, r := range p.Residents {
		var was []byte
		found, err := sqlitefile.One(conn, sqlDigest, func(s *sqlite.Stmt) { s.BindBytes(1, r[:]) }, func(s *sqlite.Stmt) { was = sqlitefile.Bytes(s, 0) })
		if err != nil {
			return false, err
		}
		switch {
		case r == p.ID:
			same = found && bytes.Equal(was, digest[:])
		case found:
			return false, nil
		}
	}
	return same, nil
}

// drop takes away what was kept under a resident, after marking as due what it had a part in.
func drop(conn *sqlite.Conn, r record.ID) error {
	for _, statement := range []string{sqlDueYears, sqlDueKeys, sqlDropVisits, sqlDropKeys, sqlDropDigest} {
		if err := sqlitefile.Write(conn, statement, func(s *sqlite.Stmt) { s.BindBytes(1, r[:]) }); err != nil {
			return err
		}
	}
	return nil
}

// put writes visits and keys and marks what they have a part in.
func put(conn *sqlite.Conn, person record.ID, e authenticity.Evidence) error {
	for i := range e.Visits {
		v := &e.Visits[i]
		err := sqlitefile.Write(conn, sqlPutVisit, func(s *sqlite.Stmt) {
			s.BindText(1, v.Doctor)
			s.BindInt64(2, int64(v.Day.Year()))
			s.BindBytes(3, v.Record[:])
			s.BindBytes(4, person[:])
			s.BindBytes(5, v.Encode())
		})
		if err != nil {
			return err
		}
	}
	for i := range e.Keys {
		k := &e.Keys[i]
		err := sqlitefile.Write(conn, sqlPutKey, func(s *sqlite.Stmt) {
			s.BindInt64(1, int64(k.Kind))
			s.BindInt64(2, k.Hash)
			s.BindBytes(3, k.Member.Record[:])
			s.BindBytes(4, person[:])
			s.BindBytes(5, k.Member.Encode())
		})
		if err != nil {
			return err
		}
	}
	for _, statement := range []string{sqlDueYears, sqlDueKeys} {
		if err := sqlitefile.Write(conn, statement, func(s *sqlite.Stmt) { s.BindBytes(1, person[:]) }); err != nil {
			return err
		}
	}
	return nil
}

// due marks something to be looked at.
func due(conn *sqlite.Conn, stage int, name string, number int64) error {
	return sqlitefile.Write(conn, sqlPutDue, func(s *sqlite.Stmt) {
		s.BindInt64(1, int64(stage))
		s.BindText(2, name)
		s.BindInt64(3, number)
	})
}

// lookAtList keeps where a household lives and when staff is on the list.
func lookAtList(conn *sqlite.Conn, id record.ID, e authenticity.Evidence) error {
	one := func(s *sqlite.Stmt) { s.BindBytes(1, id[:]) }
	switch id.Kind() {
	case kindHousehold:
		if err := sqlitefile.Write(conn, sqlDropHome, one); err != nil {
			return err
		}
		for _, h := range e.Homes {
			err := sqlitefile.Write(conn, sqlPutHome, func(s *sqlite.Stmt) {
				s.BindBytes(1, h.Household[:])
				s.BindInt64(2, int64(h.Point.Lat))
				s.BindInt64(3, int64(h.Point.Lon))
				s.BindInt64(4, int64(h.Point.Accuracy))
				s.BindInt64(5, int64(h.Point.System))
			})
			if err != nil {
				return err
			}
		}
		return sqlitefile.Write(conn, sqlDueKey, func(s *sqlite.Stmt) {
			s.BindInt64(1, int64(authenticity.KeyHome))
			s.BindInt64(2, authenticity.HomeHash(id))
		})
	case kindStaff:
		return lookAtPosts(conn, id, e.Posts)
	}
	return nil
}

// lookAtPosts keeps when somebody is on the list, and marks the years of those whom it concerns.
func lookAtPosts(conn *sqlite.Conn, id record.ID, all []authenticity.Posts) error {
	one := func(s *sqlite.Stmt) { s.BindBytes(1, id[:]) }
	concerned := map[string]bool{}
	for _, p := range all {
		concerned[p.Staff] = true
	}
	listed, err := sqlitefile.One(conn, sqlAnyPosts, func(*sqlite.Stmt) {}, func(*sqlite.Stmt) {})
	if err != nil {
		return err
	}
	err = sqlitefile.Query(conn, sqlStaffOf, one, func(s *sqlite.Stmt) bool {
		concerned[s.ColumnText(0)] = true
		return true
	})
	if err != nil {
		return err
	}
	if err := sqlitefile.Write(conn, sqlDropPosts, one); err != nil {
		return err
	}
	for _, p := range all {
		if err := putPosts(conn, id, p); err != nil {
			return err
		}
	}
	if now, err := sqlitefile.One(conn, sqlAnyPosts, func(*sqlite.Stmt) {}, func(*sqlite.Stmt) {}); err != nil || now != listed {
		return firstOf(err, sqlitefile.Exec(conn, sqlDueAll))
	}
	for staff := range concerned {
		if err := sqlitefile.Write(conn, sqlDueDoctor, func(s *sqlite.Stmt) { s.BindText(1, staff) }); err != nil {
			return err
		}
		err := sqlitefile.Write(conn, sqlDueKey, func(s *sqlite.Stmt) {
			s.BindInt64(1, int64(authenticity.KeySigner))
			s.BindInt64(2, authenticity.SignerHash(staff))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func putPosts(conn *sqlite.Conn, id record.ID, p authenticity.Posts) error {
	for _, span := range p.Spans {
		err := sqlitefile.Write(conn, sqlPutPost, func(s *sqlite.Stmt) {
			s.BindBytes(1, id[:])
			s.BindText(2, p.Staff)
			s.BindInt64(3, int64(span[0]))
			s.BindInt64(4, int64(span[1]))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

const (
	kindHousehold record.Kind = 46
	kindStaff     record.Kind = 48
)

// lookAtRuling keeps a ruling as it stands.
func lookAtRuling(conn *sqlite.Conn, p *projection.Person) error {
	if err := sqlitefile.Write(conn, sqlDropRuling, func(s *sqlite.Stmt) { s.BindBytes(1, p.ID[:]) }); err != nil || p.Rules == nil {
		return err
	}
	for _, e := range p.Rules.Entries() {
		form, ok := e.Form.(*carev1.AuthenticityRuling)
		if !ok {
			continue
		}
		content, err := proto.MarshalOptions{Deterministic: true}.Marshal(form)
		if err != nil {
			return err
		}
		err = sqlitefile.Write(conn, sqlPutRuling, func(s *sqlite.Stmt) {
			s.BindBytes(1, e.ID[:])
			s.BindInt64(2, int64(form.GetDecision()))
			s.BindBytes(3, content)
			s.BindText(4, p.Rows[e.ID].Last.Author)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
