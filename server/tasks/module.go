// SPDX-License-Identifier: Apache-2.0

package tasks

import (
	"context"
	"crypto/sha256"
	"strings"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/quota"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// KindTask is the kind of every part.
const KindTask record.Kind = 44

// moduleVersion is raised when Look writes other rows for the same records.
const moduleVersion = "tasks 1"

// Module keeps where the parts of tasks are.
type Module struct{}

// Name begins the names of its tables.
func (Module) Name() string { return "tasks" }

// Schema has a row for each part. Division is a prefix, as quota.Unit has it.
func (Module) Schema() string {
	return `
CREATE TABLE tasks_part (
	id BLOB PRIMARY KEY, person BLOB NOT NULL, code TEXT NOT NULL, division TEXT NOT NULL, nobody INTEGER NOT NULL, doctor TEXT NOT NULL,
	scope TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tasks_part_person ON tasks_part (person);
CREATE INDEX tasks_part_code ON tasks_part (code, division, nobody, doctor, id);`
}

// Settings never change.
func (Module) Settings() (name [32]byte, daily bool) {
	return sha256.Sum256([]byte(moduleVersion)), false
}

// Settle has nothing to do.
func (Module) Settle(context.Context, *sqlitefile.File, care.Date) (bool, error) { return true, nil }

// Look writes the row of a part, and none for others.
func (Module) Look(conn *sqlite.Conn, p *projection.Person, _ care.Date) error {
	for _, id := range p.Residents {
		if err := sqlitefile.Write(conn, "DELETE FROM tasks_part WHERE person = ?1", func(s *sqlite.Stmt) { s.BindBytes(1, id[:]) }); err != nil {
			return err
		}
	}
	for _, e := range p.Rules.Entries() {
		f, ok := e.Form.(*carev1.Task)
		if !ok {
			continue
		}
		u := UnitOf(e.ID, f)
		var scope []string
		for _, d := range p.Rows[e.ID].Divisions {
			scope = append(scope, string(d))
		}
		err := sqlitefile.Write(conn, `INSERT INTO tasks_part VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)`, func(s *sqlite.Stmt) {
			s.BindBytes(1, e.ID[:])
			s.BindBytes(2, p.ID[:])
			s.BindText(3, f.GetSetCode())
			s.BindText(4, string(u.Division))
			s.BindBool(5, u.Nobody)
			s.BindText(6, u.Doctor)
			s.BindText(7, strings.Join(scope, " "))
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// NodeID returns the id of a part, the same for everybody; county is the county's 6-digit code.
func NodeID(county record.Division, set string, u quota.Unit) record.ID {
	name := "task/" + string(county) + "/" + set + "/" + string(u.Division) + "/" + u.Doctor
	if u.Nobody {
		name += "/\x00nobody"
	}
	return record.DerivedID(KindTask, []byte(name))
}

// UnitOf returns which part a record is: how far down its division is meant to reach follows from
// its id, and of one that was not derived from its zeros.
func UnitOf(id record.ID, f *carev1.Task) quota.Unit {
	full := record.Division(f.GetDivisionCode())
	u := quota.Unit{Division: full, Doctor: f.GetDoctorId(), Nobody: f.GetUnassigned()}
	if u.Doctor != "" || u.Nobody || len(full) < int(care.LevelCounty) {
		return u
	}
	for _, level := range []care.Level{care.LevelCounty, care.LevelTownship, care.LevelVillage} {
		u.Division = care.Above(full, level)
		if NodeID(full[:care.LevelCounty], f.GetSetCode(), u) == id {
			return u
		}
	}
	if d, err := care.ParseDivision(string(full)); err == nil {
		u.Division = d
	}
	return u
}
