// SPDX-License-Identifier: Apache-2.0

package quota

// FaultCode says what is wrong with an order, or worth a look.
type FaultCode int

// What is wrong, with the numbers that a Fault of it has.
const (
	FaultSeason         FaultCode = iota + 1 // no season, or one without a working day: from, to
	FaultNumber                              // a number out of range: it, the greatest
	FaultNoOwner                             // nobody is in charge of the county's task
	FaultNoReason                            // a number set by hand without a reason, or by nobody
	FaultTwice                               // a unit set by hand twice
	FaultCounty                              // the county's number is the task's: the one set, the task's
	FaultNobody                              // nobody is eligible
	FaultUnknown                             // a unit in which nobody is eligible
	FaultExceed                              // numbers set by hand sum to more than the unit has: sum, it has
	FaultShort                               // all parts are set by hand and sum to less: sum, it has
	FaultDueEarly                            // a day before the season: it, the first
	FaultDueLate                             // a day after that of the unit above: it, that
	FaultCapacity                            // more than a site can do in the season: quota, what it can do
	FaultMore                                // a quota of more people than are eligible: quota, eligible
	FaultNobodyInCharge                      // people whom nobody is in charge of: how many
	FaultNowhere                             // people who are in care nowhere in the county, not counted: how many
	FaultSet                                 // what a task is called is no code
	FaultTask                                // a new task without title, indicator or population
	FaultParts                               // too many parts: how many, at most
	FaultBehind                              // people whose records changed were not counted yet
)

// Fault is one thing that is wrong, or worth a look.
type Fault struct {
	Code FaultCode
	Unit
	A, B int64 // as the code says
}

func faultOf(code FaultCode, u Unit, numbers []int64) Fault {
	f := Fault{Code: code, Unit: u}
	for i, into := range []*int64{&f.A, &f.B} {
		if i < len(numbers) {
			*into = numbers[i]
		}
	}
	return f
}

// String returns the code in a word.
func (c FaultCode) String() string {
	names := [...]string{
		"", "season", "number", "no_owner", "no_reason", "twice", "county", "nobody", "unknown", "exceed", "short", "due_early", "due_late",
		"capacity", "more", "nobody_in_charge", "nowhere", "set", "task", "parts", "behind",
	}
	if c < 0 || int(c) >= len(names) {
		return ""
	}
	return names[c]
}
