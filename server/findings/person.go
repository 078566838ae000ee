// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/server/projection"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// known is what need not be looked for again: what rules outside a portion found, which look at
// nothing that is another.
type known struct {
	// tried are the rules to try on all records; those without rules: the whole pack. What the
	// others found is in stored, by record, but for records that changed, and they are tried on
	// those.
	tried   portion
	changed map[record.ID]bool
	stored  map[record.ID][]*carev1.Finding
	// before are the live rows of all residents, decoded where that was of use.
	before map[rowKey]row
}

// knownOf reads what is known of a person. Where anything was left out, or went wrong,
// everything is to be looked for.
func (f *Findings) knownOf(conn *sqlite.Conn, p *projection.Person) (known, error) {
	k := known{changed: p.Only.Records, stored: map[record.ID][]*carev1.Finding{}, before: map[rowKey]row{}}
	switch {
	case p.Fault != "":
	case p.Only.Records != nil && 2*len(p.Only.Records) <= len(p.Rows):
		k.tried = f.pack.rest
	case p.Only.Day:
		k.tried = f.pack.daily
	}
	for _, r := range p.Residents {
		var failed error
		err := sqlitefile.Query(conn, sqlRowsOf, bindID(r), func(s *sqlite.Stmt) bool {
			failed = k.read(columnRow(s))
			return failed == nil
		})
		if err := firstOf(err, failed); err != nil {
			return k, err
		}
	}
	return k, nil
}

// read keeps a row, and what stands of it.
func (k *known) read(r row) error {
	if k.tried.Rules != nil {
		set, err := r.set()
		if err != nil {
			return err
		}
		k.keep(set)
		r.shown = set.Findings
	}
	k.before[r.key()] = r
	return nil
}

// keep keeps what stands of a set.
func (k *known) keep(s Set) {
	if s.Omitted > 0 || s.Record.IsZero() {
		k.tried = portion{}
	}
	for _, one := range s.Findings {
		switch {
		case one.GetRuleId() == string(faultRecord):
			k.tried = portion{}
		case !k.tried.has[one.GetRuleId()]:
			k.stored[s.Record] = append(k.stored[s.Record], one)
		}
	}
}
