// SPDX-License-Identifier: Apache-2.0

package export

import (
	"cmp"
	"maps"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Names says what staff, organisations, teams and divisions are called. The zero value knows
// none, and then codes stand in their places.
type Names struct {
	staff, organisations, teams map[string]string
	places                      map[record.Division]place
}

// A place has its name from the organisation that serves nothing else.
type place struct {
	name string
	rank int
}

// Add takes in a record of kind staff, organisation or team; others say nothing here.
func (n *Names) Add(id record.ID, form any) {
	if n.staff == nil {
		n.staff, n.organisations, n.teams, n.places = map[string]string{}, map[string]string{}, map[string]string{}, map[record.Division]place{}
	}
	switch m := form.(type) {
	case *carev1.Staff:
		n.staff[m.GetStaffId()] = cmp.Or(m.GetName(), n.staff[m.GetStaffId()])
	case *carev1.Organisation:
		n.organisations[m.GetOrganisationCode()] = m.GetName()
		n.serves(m)
	case *carev1.Team:
		n.teams[string(id[:])] = m.GetName()
	}
}

// serves calls a division after the organisation that serves it and no other: of several the
// one whose code comes first.
func (n *Names) serves(m *carev1.Organisation) {
	if len(m.GetDivisionPrefixes()) != 1 || m.GetName() == "" {
		return
	}
	d, err := care.ParseDivision(m.GetDivisionPrefixes()[0])
	if err != nil {
		return
	}
	mine := place{m.GetName(), int(m.GetType())}
	if have, ok := n.places[d]; ok && (have.rank < mine.rank || have.rank == mine.rank && have.name <= mine.name) {
		return
	}
	n.places[d] = mine
}

// Staff returns the name of a member of staff, or the id where there is none.
func (n Names) Staff(id string) string { return cmp.Or(n.staff[id], id) }

// Organisation returns the name of an organisation, or the code.
func (n Names) Organisation(code string) string { return cmp.Or(n.organisations[code], code) }

// Team returns the name of a team; empty for one that is not known.
func (n Names) Team(id []byte) string { return n.teams[string(id)] }

// Unit returns what a division is called: the name of who serves it, or the code.
func (n Names) Unit(d record.Division) string {
	return cmp.Or(n.places[care.ShortCode(d)].name, string(d))
}

// Village returns the township and the village of a division, by name or code; what the code
// does not reach is empty.
func (n Names) Village(d record.Division) (township, village string) {
	d = care.ShortCode(d)
	if len(d) >= int(care.LevelTownship) {
		township = n.Unit(d[:care.LevelTownship])
	}
	if len(d) >= int(care.LevelVillage) {
		village = n.Unit(d)
	}
	return township, village
}

// sorted returns the values of a map in order of their keys.
func sorted[K cmp.Ordered, V any](m map[K]V) []V {
	out := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, m[k])
	}
	return out
}
