// SPDX-License-Identifier: Apache-2.0

package register

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// maxNamedDivisions is how many divisions a name may stand for.
const maxNamedDivisions = 64

const sqlOrganisations = `SELECT prefixes FROM register_organisations WHERE instr(name, ?1) > 0 ORDER BY id`

// Divisions returns the divisions that a text means: the code itself, or what organisations serve with the text in their
// name: a village is known by the name of its clinic, a township by that of its health centre. Sorted; those that lie
// in another are left out; none where no organisation is called so. Error: ErrQuery for a name that means too many.
func Divisions(ctx context.Context, v Viewer, text string) ([]record.Division, error) {
	if d, err := care.ParseDivision(text); err == nil {
		return []record.Division{d}, nil
	}
	name := care.NormaliseName(text)
	if name == "" || len([]rune(name)) > MaxText {
		return nil, fmt.Errorf("%w: a division", ErrQuery)
	}
	var all []record.Division
	err := v.View(ctx, func(conn *sqlite.Conn) error {
		return sqlitefile.Query(conn, sqlOrganisations, func(s *sqlite.Stmt) { s.BindText(1, name) }, func(s *sqlite.Stmt) bool {
			for _, prefix := range strings.Split(s.ColumnText(0), parting) {
				if d := record.Division(prefix); d.ValidPrefix() && d != "" {
					all = append(all, care.ShortCode(d))
				}
			}
			return true
		})
	})
	if err != nil {
		return nil, fmt.Errorf("divisions by name: %w", err)
	}
	if all = topmost(all); len(all) > maxNamedDivisions {
		return nil, fmt.Errorf("%w: that name means %d divisions", ErrQuery, len(all))
	}
	return all, nil
}

// topmost returns the prefixes that lie in no other, sorted.
func topmost(all []record.Division) (out []record.Division) {
	slices.Sort(all)
	for _, d := range all {
		if len(out) == 0 || !d.Within(out[len(out)-1]) {
			out = append(out, d)
		}
	}
	return out
}
