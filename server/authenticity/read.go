// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Sight is what a reader may see: divisions are prefixes, the empty one is everything.
type Sight struct {
	Divisions []record.Division
	Classes   []record.Class
}

func (s Sight) whole() bool { return slices.Contains(s.Divisions, "") }

// sees reports whether a place and class are in sight.
func (s Sight) sees(d record.Division, c record.Class) bool {
	return slices.Contains(s.Classes, c) && (s.whole() || d != "" && d.WithinAny(s.Divisions))
}

// Filter selects findings. What is zero does not select.
type Filter struct {
	Division record.Division // a prefix
	Rule     string          // or what rules begin with, before the dot
	Doctor   string
	Quarter  authenticity.Quarter
	Severity carev1.Severity
	Person   record.ID
	Open     bool // without a ruling
	Decision carev1.AuthenticityDecision
}

// Listing is a part of a list.
type Listing struct {
	Findings []*officev1.AuthenticityFinding // the newest first
	Next     int64                           // where the next part begins; 0: there is none
}

// Count is how often a rule sees something.
type Count struct {
	Rule           string
	Findings, Open int
}

const (
	foundColumns = `f.number, f.rule, f.severity, f.doctor, f.quarter, f.class, f.content, r.decision, r.content, r.author
		FROM authenticity_found AS f LEFT JOIN authenticity_rulings AS r ON r.finding = f.id`

	sqlListAll    = `SELECT ` + foundColumns + ` WHERE f.number < ?1 ORDER BY f.number DESC`
	sqlListDoctor = `SELECT ` + foundColumns + ` WHERE f.doctor = ?2 AND f.number < ?1 ORDER BY f.number DESC` // by authenticity_found_doctor
	sqlListPerson = `SELECT ` + foundColumns + ` WHERE f.number IN (SELECT number FROM authenticity_about WHERE person = ?2) AND f.number < ?1 ORDER BY f.number DESC`
	sqlGet        = `SELECT ` + foundColumns + ` WHERE f.id = ?1`
	sqlWhere      = `SELECT division FROM authenticity_where WHERE number = ?1`
)

// row is a finding in the table with the ruling on it.
type row struct {
	number   int64
	rule     string
	severity carev1.Severity
	doctor   string
	quarter  authenticity.Quarter
	class    record.Class
	content  []byte
	decision carev1.AuthenticityDecision
	ruling   []byte
	author   string
}

func columnRow(s *sqlite.Stmt) row {
	return row{
		s.ColumnInt64(0), s.ColumnText(1), carev1.Severity(s.ColumnInt32(2)), s.ColumnText(3), authenticity.Quarter(s.ColumnInt64(4)), record.Class(s.ColumnInt64(5)),
		sqlitefile.Bytes(s, 6), carev1.AuthenticityDecision(s.ColumnInt32(7)), sqlitefile.Bytes(s, 8), s.ColumnText(9),
	}
}

// errUnread: nobody has said where to read.
var errUnread = errors.New("authenticity: no file to read")

func (m *Module) view(ctx context.Context, read func(*sqlite.Conn) error) error {
	if m.file == nil {
		return errUnread
	}
	return m.file.View(ctx, read)
}

// firstPage is behind every number.
const firstPage = int64(1) << 62

// List returns at most limit findings that a reader sees, from where Next of the part before
// says; 0 begins with the newest. Their items are left out.
func (m *Module) List(ctx context.Context, sight Sight, q Filter, from int64, limit int) (Listing, error) {
	var out Listing
	err := m.view(ctx, func(conn *sqlite.Conn) error {
		last := int64(0)
		return walk(conn, sight, q, from, func(r row) (bool, error) {
			if len(out.Findings) == limit {
				out.Next = last
				return false, nil
			}
			f, err := r.wire(sight)
			if err != nil {
				return false, err
			}
			f.Items = nil
			out.Findings, last = append(out.Findings, f), r.number
			return true, nil
		})
	})
	if err != nil {
		return Listing{}, fmt.Errorf("list doubts: %w", err)
	}
	return out, nil
}

// Count returns how often each rule sees something that is asked for, in order of rule, and how
// much is still to be looked at.
func (m *Module) Count(ctx context.Context, sight Sight, q Filter) (counts []Count, waiting int, err error) {
	err = m.view(ctx, func(conn *sqlite.Conn) error {
		byRule := map[string]*Count{}
		err := walk(conn, sight, q, 0, func(r row) (bool, error) {
			c := byRule[r.rule]
			if c == nil {
				c = &Count{Rule: r.rule}
				byRule[r.rule] = c
			}
			c.Findings++
			if r.decision == 0 {
				c.Open++
			}
			return true, nil
		})
		for _, c := range byRule {
			counts = append(counts, *c)
		}
		slices.SortFunc(counts, func(a, b Count) int { return strings.Compare(a.Rule, b.Rule) })
		if err != nil {
			return err
		}
		waiting, err = Waiting(conn)
		return err
	})
	if err != nil {
		return nil, 0, fmt.Errorf("count doubts: %w", err)
	}
	return counts, waiting, nil
}

// Waiting returns how many doctors' years, shared things and quarters are to be looked at.
func Waiting(conn *sqlite.Conn) (n int, err error) {
	_, err = sqlitefile.One(conn, sqlWaiting, func(*sqlite.Stmt) {}, func(s *sqlite.Stmt) { n = s.ColumnInt(0) })
	return n, err
}

// walk calls each with the findings that are asked for and in sight, the newest first, until it
// returns false.
func walk(conn *sqlite.Conn, sight Sight, q Filter, from int64, each func(row) (bool, error)) error {
	if from == 0 {
		from = firstPage
	}
	question, bind := sqlListAll, func(*sqlite.Stmt) {}
	switch {
	case !q.Person.IsZero():
		question, bind = sqlListPerson, func(s *sqlite.Stmt) { s.BindBytes(2, q.Person[:]) }
	case q.Doctor != "":
		question, bind = sqlListDoctor, func(s *sqlite.Stmt) { s.BindText(2, q.Doctor) }
	}
	var failed error
	err := sqlitefile.Query(conn, question, func(s *sqlite.Stmt) {
		s.BindInt64(1, from)
		bind(s)
	}, func(s *sqlite.Stmt) (more bool) {
		r := columnRow(s)
		var here bool
		if here, failed = r.asked(conn, sight, q); failed != nil || !here {
			return failed == nil
		}
		more, failed = each(r)
		return more && failed == nil
	})
	return firstOf(err, failed)
}

// asked reports whether a finding is asked for and in sight: its most private record is of a
// class that the reader sees, and one of its records is where the reader sees, and in the
// division that is asked for.
func (r row) asked(conn *sqlite.Conn, sight Sight, q Filter) (bool, error) {
	if q.Rule != "" && r.rule != q.Rule && !strings.HasPrefix(r.rule, q.Rule+".") ||
		q.Doctor != "" && r.doctor != q.Doctor || q.Quarter != 0 && r.quarter != q.Quarter || q.Severity != 0 && r.severity != q.Severity ||
		q.Open && r.decision != 0 || q.Decision != 0 && r.decision != q.Decision || !slices.Contains(sight.Classes, r.class) {
		return false, nil
	}
	if sight.whole() && q.Division == "" {
		return true, nil
	}
	found := false
	err := sqlitefile.Query(conn, sqlWhere, func(s *sqlite.Stmt) { s.BindInt64(1, r.number) }, func(s *sqlite.Stmt) bool {
		d := record.Division(s.ColumnText(0))
		found = (sight.whole() || d != "" && d.WithinAny(sight.Divisions)) && (q.Division == "" || d != "" && d.Within(q.Division))
		return !found
	})
	return found, err
}

// wire returns a finding as a reader sees it: records out of sight are counted only.
func (r row) wire(sight Sight) (*officev1.AuthenticityFinding, error) {
	f := &officev1.AuthenticityFinding{}
	if err := proto.Unmarshal(r.content, f); err != nil {
		return nil, err
	}
	all := len(f.GetItems())
	f.Items = slices.DeleteFunc(f.Items, func(i *officev1.AuthenticityItem) bool {
		return !sight.sees(record.Division(i.GetDivision()), record.Class(i.GetPrivacyClass()))
	})
	f.Hidden = uint32(all - len(f.Items))
	f.Divisions = slices.DeleteFunc(f.Divisions, func(d string) bool {
		return !sight.whole() && (d == "" || !record.Division(d).WithinAny(sight.Divisions))
	})
	if r.decision == 0 {
		return f, nil
	}
	ruling := &carev1.AuthenticityRuling{}
	if err := proto.Unmarshal(r.ruling, ruling); err != nil {
		return nil, err
	}
	f.Ruling = &officev1.AuthenticityRuled{
		Decision: ruling.GetDecision(), Reason: ruling.GetReason(), AuthorId: r.author, RuledOn: ruling.GetRuledOn(),
		EvidenceChanged: string(ruling.GetEvidenceSha256()) != string(f.GetEvidenceSha256()),
	}
	return f, nil
}

// Get returns one finding. An error with ReasonNotFound: there is none, or none in sight.
func (m *Module) Get(ctx context.Context, sight Sight, id record.ID) (*officev1.AuthenticityFinding, error) {
	var out *officev1.AuthenticityFinding
	err := m.view(ctx, func(conn *sqlite.Conn) error {
		var r row
		found, err := sqlitefile.One(conn, sqlGet, func(s *sqlite.Stmt) { s.BindBytes(1, id[:]) }, func(s *sqlite.Stmt) { r = columnRow(s) })
		if err != nil || !found {
			return err
		}
		if here, err := r.asked(conn, sight, Filter{}); err != nil || !here {
			return err
		}
		out, err = r.wire(sight)
		return err
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("doubt: %w", err)
	case out == nil:
		return nil, &syncengine.Error{Reason: syncengine.ReasonNotFound, Doing: "doubt"}
	}
	return out, nil
}
