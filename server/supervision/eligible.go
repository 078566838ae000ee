// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"context"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care/quota"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// By supervision_person_place.
const sqlEligible = `SELECT division, doctor, count(*) FROM supervision_person
	WHERE division >= ?1 AND division < ?2 AND (populations >> ?3) & 1 = 1 GROUP BY division, doctor ORDER BY division, doctor`

// sqlEverybody counts all who are in care.
const sqlEverybody = `SELECT division, doctor, count(*) FROM supervision_person
	WHERE division >= ?1 AND division < ?2 GROUP BY division, doctor ORDER BY division, doctor`

// Eligible counts the people of a population by village and doctor, those who are alive and here;
// of POPULATION_CODE_GENERAL everybody. It requires that the projection has followed.
func (s *Supervision) Eligible(ctx context.Context, population carev1.PopulationCode, within record.Division) ([]quota.Count, error) {
	var out []quota.Count
	question := sqlEligible
	if population == carev1.PopulationCode_POPULATION_CODE_GENERAL {
		question = sqlEverybody
	} else if population <= 0 || population >= 64 {
		return nil, nil
	}
	err := s.cfg.Persons.View(ctx, func(conn *sqlite.Conn) error {
		return sqlitefile.Query(conn, question, func(q *sqlite.Stmt) {
			prefixOf(within)(q)
			if question == sqlEligible {
				q.BindInt64(3, int64(population))
			}
		}, func(q *sqlite.Stmt) bool {
			out = append(out, quota.Count{Village: record.Division(q.ColumnText(0)), Doctor: q.ColumnText(1), Eligible: q.ColumnInt64(2)})
			return true
		})
	})
	return out, err
}
