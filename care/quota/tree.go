// SPDX-License-Identifier: Apache-2.0

package quota

import (
	"cmp"
	"maps"
	"slices"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Unit is a node of a task: a division, as a prefix or 12 digits, or a doctor in a village.
type Unit struct {
	Division record.Division
	Doctor   string // empty: all of the division
	// Nobody says that it is the part of those in a village whom nobody is in charge of.
	Nobody bool
}

// Level is how far down a unit stands.
type Level int

// The levels.
const (
	LevelCounty Level = iota + 1
	LevelTownship
	LevelVillage
	LevelDoctor
)

// Level returns the unit's.
func (u Unit) Level() Level {
	switch {
	case u.Doctor != "" || u.Nobody:
		return LevelDoctor
	case len(u.Division) >= int(care.LevelVillage):
		return LevelVillage
	case len(u.Division) >= int(care.LevelTownship):
		return LevelTownship
	}
	return LevelCounty
}

// Above returns the unit that a unit is a part of; false for a county.
func (u Unit) Above() (Unit, bool) {
	switch u.Level() {
	case LevelDoctor:
		return Unit{Division: u.Division}, true
	case LevelVillage:
		return Unit{Division: u.Division[:care.LevelTownship]}, true
	case LevelTownship:
		return Unit{Division: u.Division[:care.LevelCounty]}, true
	}
	return Unit{}, false
}

// Compare orders units as trees are read: a whole before its parts, parts by division, doctors by
// id, nobody last.
func (u Unit) Compare(o Unit) int {
	nobody := func(u Unit) int {
		if u.Nobody {
			return 1
		}
		return 0
	}
	return cmp.Or(cmp.Compare(u.Division, o.Division), cmp.Compare(nobody(u), nobody(o)), cmp.Compare(u.Doctor, o.Doctor))
}

// Count is how many people of a doctor in a village are eligible.
type Count struct {
	Village  record.Division // 12 digits; a shorter one is filled up, as of people of a township as such
	Doctor   string          // empty: nobody is in charge
	Eligible int64
}

// Override is a number that a person set for a unit.
type Override struct {
	Unit
	Quota  int64
	Reason string
	By     string // the staff id
}

// Charge is who is in charge of a unit's part, and until when.
type Charge struct {
	Owner string
	DueOn care.Date // 0: as the unit above
}

// Season is when a task is worked on.
type Season struct {
	From, To   care.Date // both included
	DaysAWeek  int       // 5: Monday to Friday, 6: not on Sundays, 7: daily; 0 is as 5
	DailyLimit int64     // what one site, a township's, can do in a day; 0: no limit
}

// Order is a county's task as somebody gives it out.
type Order struct {
	County    record.Division
	Total     int64
	Season    Season
	Overrides []Override
	Charges   map[Unit]Charge // the county's must be there; who is not named is as below
	// OverCapacity says that a site may have more than it can do in the season.
	OverCapacity bool
}

// Node is one part of a task.
type Node struct {
	Unit
	Eligible int64
	Quota    int64
	// Proposed is what the rule gives where a person set another number, and was that one not set.
	Proposed   int64
	Overridden bool
	Reason, By string
	Owner      string
	DueOn      care.Date
}

// Tree is a divided task, in the order of Unit.Compare: the county first.
type Tree struct {
	Nodes    []Node
	Warnings []Fault
}

// Divide divides an order among those who are counted. faults are all that keeps it from being
// given out: then there is no tree. Who is in charge, where the order does not say it: of a
// doctor's part the doctor, else whoever is in charge above. A day until when that is not said
// is the one above.
func (o Order) Divide(counts []Count) (Tree, []Fault) {
	b := builder{order: o, eligible: map[Unit]int64{}, parts: map[Unit][]Unit{}, overrides: map[Unit]Override{}}
	b.check()
	b.count(counts)
	b.known()
	if len(b.faults) > 0 {
		return Tree{}, b.faults
	}
	b.node(Unit{Division: o.County}, Node{Quota: o.Total}, Charge{})
	b.capacity()
	if len(b.faults) > 0 {
		return Tree{}, b.faults
	}
	return b.tree, nil
}

// builder makes one tree.
type builder struct {
	order     Order
	eligible  map[Unit]int64
	parts     map[Unit][]Unit
	overrides map[Unit]Override
	tree      Tree
	faults    []Fault
}

func (b *builder) fault(code FaultCode, u Unit, numbers ...int64) {
	b.faults = append(b.faults, faultOf(code, u, numbers))
}

func (b *builder) warn(code FaultCode, u Unit, numbers ...int64) {
	b.tree.Warnings = append(b.tree.Warnings, faultOf(code, u, numbers))
}

// check looks at what the order says by itself.
func (b *builder) check() {
	s, county := b.order.Season, Unit{Division: b.order.County}
	switch {
	case !s.From.Whole() || !s.To.Whole() || s.To < s.From || s.DaysAWeek != 0 && (s.DaysAWeek < 5 || s.DaysAWeek > 7):
		b.fault(FaultSeason, county, int64(s.From), int64(s.To))
	case s.WorkingDays(s.From, s.To) == 0:
		b.fault(FaultSeason, county, int64(s.From), int64(s.To))
	}
	if b.order.Total < 1 || b.order.Total > Most {
		b.fault(FaultNumber, county, b.order.Total, Most)
	}
	if b.order.Charges[county].Owner == "" {
		b.fault(FaultNoOwner, county)
	}
	for _, one := range b.order.Overrides {
		switch _, twice := b.overrides[one.Unit]; {
		case one.Quota < 0 || one.Quota > Most:
			b.fault(FaultNumber, one.Unit, one.Quota, Most)
		case one.Reason == "" || one.By == "":
			b.fault(FaultNoReason, one.Unit)
		case twice:
			b.fault(FaultTwice, one.Unit)
		case one.Level() == LevelCounty:
			b.fault(FaultCounty, one.Unit, one.Quota, b.order.Total)
		}
		b.overrides[one.Unit] = one
	}
}

// count gathers who is eligible, upwards.
func (b *builder) count(counts []Count) {
	for _, c := range counts {
		if c.Eligible <= 0 {
			continue
		}
		if c.Village == "" || !c.Village.Within(b.order.County) {
			b.eligible[Unit{}] += c.Eligible
			continue
		}
		u := Unit{Division: care.FullCode(c.Village), Doctor: c.Doctor, Nobody: c.Doctor == ""}
		for more := true; more; u, more = u.Above() {
			b.eligible[u] += c.Eligible
		}
	}
	if n := b.eligible[Unit{}]; n > 0 {
		b.warn(FaultNowhere, Unit{Division: b.order.County}, n)
		delete(b.eligible, Unit{})
	}
	for u := range b.eligible {
		if above, ok := u.Above(); ok {
			b.parts[above] = append(b.parts[above], u)
		}
	}
	for _, parts := range b.parts {
		slices.SortFunc(parts, Unit.Compare)
	}
	if b.eligible[Unit{Division: b.order.County}] == 0 {
		b.fault(FaultNobody, Unit{Division: b.order.County})
	}
}

// known refuses what is said of units that nobody lives in.
func (b *builder) known() {
	named := map[Unit]bool{}
	for u := range b.overrides {
		named[u] = true
	}
	for u := range b.order.Charges {
		named[u] = true
	}
	for _, u := range slices.SortedFunc(maps.Keys(named), Unit.Compare) {
		if b.eligible[u] == 0 && u != (Unit{Division: b.order.County}) {
			b.fault(FaultUnknown, u)
		}
	}
}

// node adds a unit with its parts.
func (b *builder) node(u Unit, n Node, above Charge) {
	n.Unit, n.Eligible = u, b.eligible[u]
	charge := b.charge(u, above)
	n.Owner, n.DueOn = charge.Owner, charge.DueOn
	b.tree.Nodes = append(b.tree.Nodes, n)
	if n.Quota > n.Eligible {
		b.warn(FaultMore, u, n.Quota, n.Eligible)
	}
	if u.Nobody {
		b.warn(FaultNobodyInCharge, u, n.Eligible)
	}
	b.divide(u, n.Quota, charge)
}

// charge says who is in charge of a unit.
func (b *builder) charge(u Unit, above Charge) Charge {
	c := b.order.Charges[u]
	c.Owner = cmp.Or(c.Owner, u.Doctor, above.Owner)
	latest := cmp.Or(above.DueOn, b.order.Season.To)
	c.DueOn = cmp.Or(c.DueOn, latest)
	switch {
	case !c.DueOn.Whole() || c.DueOn < b.order.Season.From:
		b.fault(FaultDueEarly, u, int64(c.DueOn), int64(b.order.Season.From))
	case c.DueOn > latest:
		b.fault(FaultDueLate, u, int64(c.DueOn), int64(latest))
	}
	return c
}

// divide divides a unit's number among its parts.
func (b *builder) divide(u Unit, quota int64, charge Charge) {
	units := b.parts[u]
	if len(units) == 0 {
		return
	}
	parts, fixed := make([]Part, len(units)), int64(0)
	for i, one := range units {
		parts[i] = Part{Key: partKey(one), Weight: b.eligible[one]}
		if o, ok := b.overrides[one]; ok {
			parts[i].Fixed = &o.Quota
			fixed += o.Quota
		}
	}
	shares, ok := Divide(quota, parts)
	if !ok {
		code := FaultExceed
		if fixed < quota {
			code = FaultShort
		}
		b.fault(code, u, fixed, quota)
		return
	}
	for i, one := range units {
		n := Node{Quota: shares[i]}
		if o, ok := b.overrides[one]; ok {
			n.Overridden, n.Reason, n.By, n.Proposed = true, o.Reason, o.By, proposed(quota, parts, i)
		}
		b.node(one, n, charge)
	}
}

// proposed is what the rule gives the part at i; where the others leave nothing to divide by,
// what it would give without any set by hand.
func proposed(quota int64, parts []Part, i int) int64 {
	without := slices.Clone(parts)
	without[i].Fixed = nil
	shares, ok := Divide(quota, without)
	if !ok {
		for k := range without {
			without[k].Fixed = nil
		}
		shares, _ = Divide(quota, without)
	}
	return shares[i]
}

// partKey orders parts as Unit.Compare does.
func partKey(u Unit) string {
	if u.Nobody {
		return string(u.Division) + "\x7f"
	}
	return string(u.Division) + "/" + u.Doctor
}

// capacity holds what each site is to do against what it can do in the season.
func (b *builder) capacity() {
	s := b.order.Season
	for _, n := range b.tree.Nodes {
		if s.DailyLimit <= 0 || n.Level() != LevelTownship {
			continue
		}
		can := s.DailyLimit * int64(s.WorkingDays(s.From, n.DueOn))
		switch {
		case n.Quota <= can:
		case b.order.OverCapacity:
			b.warn(FaultCapacity, n.Unit, n.Quota, can)
		default:
			b.fault(FaultCapacity, n.Unit, n.Quota, can)
		}
	}
}
