// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"errors"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// About returns what is found about the records of a person, each finding with its record; findings
// about the person as a whole have none. It is for modules that look at the person after this one.
func (f *Findings) About(conn *sqlite.Conn, p *projection.Person) (all []*carev1.Finding, err error) {
	var failed error
	err = sqlitefile.Query(conn, sqlRowsOf, bindID(p.ID), func(s *sqlite.Stmt) bool {
		r := columnRow(s)
		set, err := r.set()
		if failed = err; err != nil {
			return false
		}
		for _, one := range set.Findings {
			if !set.Record.IsZero() {
				one.RecordId = set.Record[:]
			}
			all = append(all, one)
		}
		return true
	})
	return all, errors.Join(err, failed)
}
