// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Filter selects findings. What is zero does not select.
type Filter struct {
	Division record.Division // a prefix
	Rule     string
	Severity carev1.Severity
	Resident record.ID // with all who are linked to it
	Record   record.ID
	Since    care.Date // sets that have said this since that day or later
	// Within is what may be seen; nil: everything. A set is in it as it is for a tablet with such a certificate.
	Within *Scope
}

// Listing is a part of a list.
type Listing struct {
	Sets []Set // in order of position, with the findings that were asked for
	Next Position
	More bool // the list goes on after Next
}

const (
	sqlListAll      = `SELECT ` + columns + ` FROM findings_rows WHERE position > ?1 AND findings > 0 ORDER BY position`
	sqlListRule     = `SELECT DISTINCT r.position, about, combined, gone, person, class, divisions, r.findings, changed, content FROM findings_found AS f CROSS JOIN findings_rows AS r ON r.position = f.position WHERE f.position > ?1 AND f.rule = ?2 ORDER BY f.position`
	sqlListResident = `SELECT ` + columns + ` FROM findings_rows WHERE position > ?1 AND person = ?2 AND findings > 0 ORDER BY position`
	sqlListRecord   = `SELECT ` + columns + ` FROM findings_rows WHERE position > ?1 AND about = ?2 AND findings > 0 ORDER BY position`
)

// List returns at most limit sets after a position.
func (f *Findings) List(ctx context.Context, q Filter, after Position, limit int) (Listing, error) {
	var out Listing
	err := f.view(ctx, func(conn *sqlite.Conn) error {
		size := 0
		return f.walk(conn, q, after, func(r row) (bool, error) {
			s, err := r.set()
			if err != nil {
				return false, err
			}
			if s.Findings = q.among(s.Findings); len(s.Findings) == 0 {
				return true, nil
			}
			if out.More = len(out.Sets) == limit || size >= maxPageBytes; out.More {
				return false, nil
			}
			out.Sets, size, out.Next = append(out.Sets, s), size+len(r.content)+rowOverhead, r.position
			return true, nil
		})
	})
	if err != nil {
		return Listing{}, fmt.Errorf("list findings: %w", err)
	}
	return out, nil
}

// walk calls each with the rows that may have what is asked for, in order of position, until
// it returns false.
func (f *Findings) walk(conn *sqlite.Conn, q Filter, after Position, each func(row) (bool, error)) error {
	question, bind := sqlListAll, func(*sqlite.Stmt) {}
	switch {
	case !q.Record.IsZero():
		question, bind = sqlListRecord, func(s *sqlite.Stmt) { s.BindBytes(2, q.Record[:]) }
	case !q.Resident.IsZero():
		residents, _, err := projection.Whole(conn, q.Resident)
		if err != nil {
			return err
		}
		question, bind = sqlListResident, func(s *sqlite.Stmt) { s.BindBytes(2, residents[0][:]) }
	case q.Rule != "":
		question, bind = sqlListRule, func(s *sqlite.Stmt) { s.BindText(2, q.Rule) }
	}
	var failed error
	err := sqlitefile.Query(conn, question, func(s *sqlite.Stmt) {
		s.BindInt64(1, int64(after))
		bind(s)
	}, func(s *sqlite.Stmt) (more bool) {
		r := columnRow(s)
		if !q.selects(r) {
			return true
		}
		more, failed = each(r)
		return more && failed == nil
	})
	return firstOf(err, failed)
}

// selects reports whether a row may have what is asked for.
func (q Filter) selects(r row) bool {
	return (q.Within == nil || q.Within.has(r)) &&
		(q.Division == "" || slices.ContainsFunc(splitDivisions(r.divisions), func(d record.Division) bool { return d.Within(q.Division) })) &&
		r.changed >= q.Since && (q.Record.IsZero() || r.record() == q.Record)
}

// has reports whether a row is in a scope.
func (s Scope) has(r row) bool {
	return slices.Contains(s.Classes, r.class) &&
		slices.ContainsFunc(splitDivisions(r.divisions), func(d record.Division) bool { return d.WithinAny(s.Divisions) })
}

// among returns those of the findings that are asked for.
func (q Filter) among(all []*carev1.Finding) []*carev1.Finding {
	return slices.DeleteFunc(all, func(f *carev1.Finding) bool {
		return q.Rule != "" && f.GetRuleId() != q.Rule || q.Severity != 0 && f.GetSeverity() != q.Severity
	})
}

// Count is how often a rule finds something.
type Count struct {
	Rule     string
	Severity carev1.Severity
	Findings int
}

const sqlCounts = `SELECT rule, severity, sum(findings) FROM findings_found WHERE ?1 = '' OR rule = ?1 GROUP BY rule, severity`

// Count returns how many findings there are of each rule and severity, in order of rule.
func (f *Findings) Count(ctx context.Context, q Filter) ([]Count, error) {
	counts := map[Count]int{}
	err := f.view(ctx, func(conn *sqlite.Conn) error {
		if (q == Filter{Rule: q.Rule, Severity: q.Severity}) {
			return sqlitefile.Query(conn, sqlCounts, func(s *sqlite.Stmt) { s.BindText(1, q.Rule) }, func(s *sqlite.Stmt) bool {
				if severity := carev1.Severity(s.ColumnInt32(1)); q.Severity == 0 || severity == q.Severity {
					counts[Count{Rule: s.ColumnText(0), Severity: severity}] = s.ColumnInt(2)
				}
				return true
			})
		}
		return f.walk(conn, q, 0, func(r row) (bool, error) {
			s, err := r.set()
			for _, one := range q.among(s.Findings) {
				counts[Count{Rule: one.GetRuleId(), Severity: one.GetSeverity()}]++
			}
			return true, err
		})
	})
	if err != nil {
		return nil, fmt.Errorf("count findings: %w", err)
	}
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Severity, b.Severity))
	})
	for i, k := range keys {
		keys[i].Findings = counts[k]
	}
	return keys, nil
}
