// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"bytes"

	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

const (
	// By authenticity_found_source.
	sqlFoundOf = `SELECT number, id, content FROM authenticity_found WHERE source = ?1`
	// A finding that another source had until now is taken over.
	sqlFoundID   = `SELECT number FROM authenticity_found WHERE id = ?1`
	sqlPutFound  = `INSERT INTO authenticity_found (id, source, rule, severity, doctor, quarter, class, content) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)`
	sqlDropFound = `DELETE FROM authenticity_found WHERE number = ?1`
	sqlDropWhere = `DELETE FROM authenticity_where WHERE number = ?1`
	sqlDropAbout = `DELETE FROM authenticity_about WHERE number = ?1`
	sqlPutWhere  = `INSERT OR IGNORE INTO authenticity_where (number, division) VALUES (?1, ?2)`
	sqlPutAbout  = `INSERT OR IGNORE INTO authenticity_about (person, number) VALUES (?1, ?2)`
)

// standing is a finding in the table.
type standing struct {
	number  int64
	content []byte
}

// replace puts findings in place of those that the same source had. One that says the same
// stays where it is.
func replace(conn *sqlite.Conn, source string, findings []*officev1.AuthenticityFinding) error {
	before := map[record.ID]standing{}
	err := sqlitefile.Query(conn, sqlFoundOf, func(s *sqlite.Stmt) { s.BindText(1, source) }, func(s *sqlite.Stmt) bool {
		before[columnID(s, 1)] = standing{s.ColumnInt64(0), sqlitefile.Bytes(s, 2)}
		return true
	})
	if err != nil {
		return err
	}
	for _, f := range findings {
		content, err := proto.MarshalOptions{Deterministic: true}.Marshal(f)
		if err != nil {
			return err
		}
		id := record.ID(f.GetId())
		was, ok := before[id]
		delete(before, id)
		if ok && bytes.Equal(was.content, content) {
			continue
		}
		if !ok {
			if was.number, err = numberOf(conn, id); err != nil {
				return err
			}
		}
		if err := dropFound(conn, was.number); err != nil {
			return err
		}
		if err := putFound(conn, source, f, content); err != nil {
			return err
		}
	}
	for _, was := range before {
		if err := dropFound(conn, was.number); err != nil {
			return err
		}
	}
	return nil
}

func columnID(s *sqlite.Stmt, column int) (id record.ID) {
	copy(id[:], sqlitefile.Bytes(s, column))
	return id
}

func numberOf(conn *sqlite.Conn, id record.ID) (number int64, err error) {
	_, err = sqlitefile.One(conn, sqlFoundID, func(s *sqlite.Stmt) { s.BindBytes(1, id[:]) }, func(s *sqlite.Stmt) { number = s.ColumnInt64(0) })
	return number, err
}

func dropFound(conn *sqlite.Conn, number int64) error {
	if number == 0 {
		return nil
	}
	for _, statement := range []string{sqlDropFound, sqlDropWhere, sqlDropAbout} {
		if err := sqlitefile.Write(conn, statement, func(s *sqlite.Stmt) { s.BindInt64(1, number) }); err != nil {
			return err
		}
	}
	return nil
}

func putFound(conn *sqlite.Conn, source string, f *officev1.AuthenticityFinding, content []byte) error {
	quarter, _ := authenticity.ParseQuarter(f.GetQuarter())
	err := sqlitefile.Write(conn, sqlPutFound, func(s *sqlite.Stmt) {
		s.BindBytes(1, f.GetId())
		s.BindText(2, source)
		s.BindText(3, f.GetRuleId())
		s.BindInt64(4, int64(f.GetSeverity()))
		s.BindText(5, f.GetDoctorId())
		s.BindInt64(6, int64(quarter))
		s.BindInt64(7, int64(f.GetPrivacyClass()))
		s.BindBytes(8, content)
	})
	if err != nil {
		return err
	}
	number := conn.LastInsertRowID()
	for _, d := range f.GetDivisions() {
		err := sqlitefile.Write(conn, sqlPutWhere, func(s *sqlite.Stmt) {
			s.BindInt64(1, number)
			s.BindText(2, d)
		})
		if err != nil {
			return err
		}
	}
	for _, i := range f.GetItems() {
		err := sqlitefile.Write(conn, sqlPutAbout, func(s *sqlite.Stmt) {
			s.BindBytes(1, i.GetSubjectId())
			s.BindInt64(2, number)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// allToWire returns findings as they are kept and sent, but for the rulings on them.
func allToWire(findings []authenticity.Finding) []*officev1.AuthenticityFinding {
	out := make([]*officev1.AuthenticityFinding, len(findings))
	for i := range findings {
		out[i] = toWire(&findings[i])
	}
	return out
}

func toWire(f *authenticity.Finding) *officev1.AuthenticityFinding {
	id, digest := f.ID(), f.Digest()
	m := &officev1.AuthenticityFinding{
		Id: id[:], RuleId: f.Rule, Severity: f.Severity(), DoctorId: f.Doctor, OrganisationCode: f.Unit, Quarter: f.Quarter.String(),
		Day: int32(f.Day), More: uint32(f.More), MessageZh: f.ZH, MessageEn: f.EN, EvidenceSha256: digest[:], PrivacyClass: uint32(f.Class),
	}
	for i := range f.Items {
		one := &f.Items[i]
		m.Items = append(m.Items, &officev1.AuthenticityItem{
			RecordId: one.Record[:], SubjectId: one.Person[:], Division: string(one.Division), PrivacyClass: uint32(one.Class), Day: int32(one.Day),
		})
	}
	for _, n := range f.Numbers {
		m.Numbers = append(m.Numbers, &officev1.AuthenticityNumber{Name: n.Name, Value: n.Value})
	}
	if f.Test != nil {
		m.Test = testToWire(*f.Test)
	}
	for _, d := range f.Divisions {
		m.Divisions = append(m.Divisions, string(d))
	}
	return m
}

func testToWire(t authenticity.Test) *officev1.AuthenticityTest {
	return &officev1.AuthenticityTest{N: uint32(t.N), Statistic: t.Statistic, DegreesOfFreedom: t.DF, P: t.P, Q: t.Q, Large: t.Large}
}
