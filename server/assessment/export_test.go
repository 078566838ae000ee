// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"context"
	"fmt"
	"testing/fstest"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Disagreements returns the tallies of a generation that are not the sums of what Evaluate says
// of all facts, on the generation's own day; and how many tallies there are that are not nothing.
func Disagreements(ctx context.Context, a *Assessment) (bad []string, tallied int, day care.Date, err error) {
	err = a.count(ctx, func(c *counting) error {
		if c.generation.number == 0 {
			return fmt.Errorf("no generation is done")
		}
		day = c.generation.day
		want := tallies{}
		for w, window := range windowsOn(day) {
			err := c.walk(ctx, sqlAllFacts, func(int, int) {}, func(_ factsRow, f *indicators.Facts) error {
				for _, o := range indicators.Evaluate(*f, window.question(), c.book.settings) {
					key := tallyKey{int16(w), a.cfg.Module.codes[o.Code], o.Division, o.Doctor}
					t := want[key]
					t.Add(o)
					want[key] = t
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		got := tallies{}
		err := sqlitefile.Query(c.conn, `SELECT window, code, division, doctor, numerator, denominator, amount FROM assessment_tallies WHERE generation = ?1`,
			func(s *sqlite.Stmt) { s.BindInt64(1, c.generation.number) }, func(s *sqlite.Stmt) bool {
				key := tallyKey{int16(s.ColumnInt(0)), int16(s.ColumnInt(1)), record.Division(s.ColumnText(2)), s.ColumnText(3)}
				got[key] = indicators.Tally{Numerator: s.ColumnInt64(4), Denominator: s.ColumnInt64(5), Amount: s.ColumnInt64(6)}
				return true
			})
		for key, t := range want {
			if t != (indicators.Tally{}) {
				tallied++
			}
			if got[key] != t {
				bad = append(bad, fmt.Sprintf("%v: %v, want %v", key, got[key], t))
			}
		}
		for key, t := range got {
			if _, ok := want[key]; !ok && t != (indicators.Tally{}) {
				bad = append(bad, fmt.Sprintf("%v: %v, want nothing", key, t))
			}
		}
		return err
	})
	return bad, tallied, day, err
}

// ShareOf has a worker take so many people at a time until the test ends.
func ShareOf(n int, cleanup func(func())) {
	before := share
	share = n
	cleanup(func() { share = before })
}

// Windows returns the standard windows of a day as text.
func Windows(day care.Date) (out []string) {
	for _, w := range windowsOn(day) {
		out = append(out, fmt.Sprintf("%s to %s", w.period, w.last))
	}
	return out
}

// SchemaOf is that of a file with the module's tables alone.
func SchemaOf(tables string) sqlitefile.Schema {
	return sqlitefile.Schema{
		Name: "file of facts", ApplicationID: 0x787a7466,
		Migrations: fstest.MapFS{"0001_tables.sql": {Data: []byte(tables)}},
	}
}
