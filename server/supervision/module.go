// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"context"
	"crypto/sha256"
	"strings"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// moduleVersion is raised when Look writes other rows for the same persons.
const moduleVersion = "supervision 1"

// Pack says who belongs to a population.
type Pack interface {
	Hash() [32]byte
	Populations(*rules.Person, care.Date) ([]rules.Membership, []*carev1.Finding)
}

// Module keeps who may be drawn, and where the records of supervision are.
type Module struct {
	// pack returns the rule pack in force, nil when there is none: then nobody belongs to any
	// population.
	pack func() Pack
}

// NewModule returns the module over the pack that pack returns; it is asked often.
func NewModule(pack func() Pack) *Module { return &Module{pack} }

// Name begins the names of its tables.
func (*Module) Name() string { return "supervision" }

// Schema has a row for each person in care, each check, each rectification and each round. All
// rows are found by the person that they were written for.
func (*Module) Schema() string {
	return `
CREATE TABLE supervision_person (
	person BLOB PRIMARY KEY, division TEXT NOT NULL, doctor TEXT NOT NULL, unit TEXT NOT NULL,
	groups INTEGER NOT NULL, populations INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX supervision_person_place ON supervision_person (division, doctor, populations);

CREATE TABLE supervision_check (
	id BLOB PRIMARY KEY, person BLOB NOT NULL, round BLOB NOT NULL, place TEXT NOT NULL, stratum TEXT NOT NULL, doctor TEXT NOT NULL,
	scope TEXT NOT NULL, contact INTEGER NOT NULL, truth INTEGER NOT NULL, standard INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX supervision_check_person ON supervision_check (person);
CREATE INDEX supervision_check_round ON supervision_check (round, place, stratum, id);

CREATE TABLE supervision_fault (
	id BLOB PRIMARY KEY, person BLOB NOT NULL, round BLOB NOT NULL, carried TEXT NOT NULL, place TEXT NOT NULL, doctor TEXT NOT NULL,
	scope TEXT NOT NULL, state INTEGER NOT NULL, due INTEGER NOT NULL, replica BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX supervision_fault_person ON supervision_fault (person);
CREATE INDEX supervision_fault_due ON supervision_fault (due, id);

CREATE TABLE supervision_round (
	id BLOB PRIMARY KEY, person BLOB NOT NULL, announced INTEGER NOT NULL, scope TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX supervision_round_person ON supervision_round (person);
CREATE INDEX supervision_round_announced ON supervision_round (announced, id);`
}

// Settings change with the pack; who belongs to a population changes with the day.
func (m *Module) Settings() (name [32]byte, daily bool) {
	h := sha256.New()
	h.Write([]byte(moduleVersion))
	if p := m.pack(); p != nil {
		hash := p.Hash()
		h.Write(hash[:])
	}
	return [32]byte(h.Sum(nil)), true
}

// Settle has nothing to do.
func (*Module) Settle(context.Context, *sqlitefile.File, care.Date) (bool, error) { return true, nil }

// tables are cleared of a person before its rows are written.
var tables = [...]string{"supervision_person", "supervision_check", "supervision_fault", "supervision_round"}

// Look writes the rows of one person.
func (m *Module) Look(conn *sqlite.Conn, p *projection.Person, day care.Date) error {
	for _, table := range tables {
		for _, id := range p.Residents {
			if err := sqlitefile.Write(conn, "DELETE FROM "+table+" WHERE person = ?1", func(s *sqlite.Stmt) { s.BindBytes(1, id[:]) }); err != nil {
				return err
			}
		}
	}
	who := candidateOf(p, m.pack(), day)
	if who.resident {
		if err := putPerson(conn, who); err != nil {
			return err
		}
	}
	for _, e := range p.Rules.Entries() {
		if err := put(conn, p, who, e); err != nil {
			return err
		}
	}
	return putVoided(conn, p)
}

// putVoided writes a row for each rectification that somebody declared void: what stands then is
// read from the record, because a doctor does not settle a fault so.
func putVoided(conn *sqlite.Conn, p *projection.Person) error {
	for id, row := range p.Rows {
		if id.Kind() != supervision.KindRectification || !row.Voided {
			continue
		}
		open := &carev1.Rectification{}
		if err := putFault(conn, p, id, joinDivisions(row.Divisions), "", open); err != nil {
			return err
		}
	}
	return nil
}

func putPerson(conn *sqlite.Conn, w who) error {
	return sqlitefile.Write(conn, `INSERT INTO supervision_person VALUES (?1, ?2, ?3, ?4, ?5, ?6)`, func(s *sqlite.Stmt) {
		s.BindBytes(1, w.ID[:])
		s.BindText(2, string(w.Division))
		s.BindText(3, w.Doctor)
		s.BindText(4, w.unit)
		s.BindInt64(5, int64(w.Groups))
		s.BindInt64(6, int64(w.populations))
	})
}

// put writes the row of one record of supervision, and none of others.
func put(conn *sqlite.Conn, p *projection.Person, w who, e rules.Entry) error {
	scope := joinDivisions(p.Rows[e.ID].Divisions)
	switch f := e.Form.(type) {
	case *carev1.Verification:
		return putCheck(conn, p.ID, e.ID, scope, placeOf(supervision.Stratum(f.GetStratum()), w.Division), f)
	case *carev1.Rectification:
		return putFault(conn, p, e.ID, scope, w.Division, f)
	case *carev1.SupervisionRound:
		return sqlitefile.Write(conn, `INSERT INTO supervision_round VALUES (?1, ?2, ?3, ?4)`, func(s *sqlite.Stmt) {
			s.BindBytes(1, e.ID[:])
			s.BindBytes(2, p.ID[:])
			s.BindInt64(3, int64(f.GetAnnouncedOn()))
			s.BindText(4, scope)
		})
	}
	return nil
}

func putCheck(conn *sqlite.Conn, person, id record.ID, scope string, place record.Division, f *carev1.Verification) error {
	return sqlitefile.Write(conn, `INSERT INTO supervision_check VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`, func(s *sqlite.Stmt) {
		s.BindBytes(1, id[:])
		s.BindBytes(2, person[:])
		s.BindBytes(3, nonNil(f.GetSampleId()))
		s.BindText(4, string(place))
		s.BindText(5, f.GetStratum())
		s.BindText(6, f.GetCheckedDoctorId())
		s.BindText(7, scope)
		s.BindInt64(8, int64(f.GetContact()))
		s.BindInt64(9, int64(f.GetTruthVerdict()))
		s.BindInt64(10, int64(f.GetStandardVerdict()))
	})
}

func putFault(conn *sqlite.Conn, p *projection.Person, id record.ID, scope string, division record.Division, f *carev1.Rectification) error {
	place := string(division)
	if len(p.Rows[id].Divisions) > 0 {
		place = string(p.Rows[id].Divisions[0])
	}
	var carried strings.Builder
	for _, c := range f.GetCarried() {
		carried.WriteString(idHex(c.GetRoundId()) + " ")
	}
	stand, last := supervision.StandOf(f), p.Rows[id].Last.Replica
	return sqlitefile.Write(conn, `INSERT INTO supervision_fault VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)`, func(s *sqlite.Stmt) {
		s.BindBytes(1, id[:])
		s.BindBytes(2, p.ID[:])
		s.BindBytes(3, nonNil(f.GetRoundId()))
		s.BindText(4, carried.String())
		s.BindText(5, place)
		s.BindText(6, f.GetDoctorId())
		s.BindText(7, scope)
		s.BindInt64(8, int64(stand.State))
		s.BindInt64(9, int64(stand.DueOn))
		s.BindBytes(10, last[:])
	})
}

// placeOf returns in which division a check counts: the stratum's, or where the person is in care.
func placeOf(s supervision.Stratum, division record.Division) record.Division {
	if unit := record.Division(s.Unit()); len(unit) >= int(care.LevelTownship) && unit.ValidPrefix() && len(division) < len(unit) {
		return unit
	} else if len(unit) == int(care.LevelVillage) && unit.ValidPrefix() {
		return unit
	}
	return division
}

// nonNil binds as an empty value: a nil slice would be NULL.
func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func idHex(b []byte) string {
	if len(b) != len(record.ID{}) {
		return ""
	}
	return record.ID(b).String()
}

func joinDivisions(all []record.Division) string {
	parts := make([]string, len(all))
	for i, d := range all {
		parts[i] = string(d)
	}
	return strings.Join(parts, " ")
}
