// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"cmp"
	"maps"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// State is where a rectification stands.
type State int

// The states.
const (
	StateOpen      State = iota + 1 // waits for the doctor
	StateAnswered                   // waits for the office
	StateReturned                   // answered, not put right: waits for the doctor again
	StateClosed                     // put right
	StateWithdrawn                  // there was no fault
)

// String returns the state in a word: open, answered, returned, closed, withdrawn; "" for none.
func (s State) String() string {
	names := [...]string{"", "open", "answered", "returned", "closed", "withdrawn"}
	if s < 0 || int(s) >= len(names) {
		return ""
	}
	return names[s]
}

// ParseState reads what String writes; false for another word.
func ParseState(word string) (State, bool) {
	for s := StateOpen; s <= StateWithdrawn; s++ {
		if s.String() == word {
			return s, true
		}
	}
	return 0, false
}

// Settled reports whether nobody has anything to do any more.
func (s State) Settled() bool { return s == StateClosed || s == StateWithdrawn }

// Stand is where a rectification stands, with until when.
type Stand struct {
	State State
	DueOn care.Date
	// Late says that an answer came which the ruling that closed or withdrew it had not seen:
	// both stand, and the office looks again.
	Late bool
}

// StandOf derives where a rectification stands from its entries:
//
//	an answer that no ruling has seen waits for the office, whatever was ruled beside it;
//	else the last ruling decides: closed, withdrawn, or returned;
//	without any it is open.
//
// The last ruling is the one with the latest time, of equal ones that with the greatest key; all
// are of the centre's clock. Rulings may move the day until when: the last one that names a day.
// So office and doctor may act at once, in any order, and neither takes back what the other said.
func StandOf(f *carev1.Rectification) Stand {
	st := Stand{State: StateOpen, DueOn: care.Date(f.GetDueOn())}
	seen := map[string]bool{}
	for _, key := range Rulings(f) {
		r := f.GetRulings()[key]
		for _, answer := range r.GetSeen() {
			seen[answer] = true
		}
		if r.GetDueOn() != 0 {
			st.DueOn = care.Date(r.GetDueOn())
		}
		st.State = cmp.Or(ruled(r.GetDecision()), st.State)
	}
	for key := range f.GetAnswers() {
		if !seen[key] {
			return Stand{StateAnswered, st.DueOn, st.State.Settled()}
		}
	}
	return st
}

func ruled(d carev1.RectificationDecision) State {
	switch d {
	case carev1.RectificationDecision_RECTIFICATION_DECISION_CLOSED:
		return StateClosed
	case carev1.RectificationDecision_RECTIFICATION_DECISION_RETURNED:
		return StateReturned
	case carev1.RectificationDecision_RECTIFICATION_DECISION_WITHDRAWN:
		return StateWithdrawn
	}
	return 0
}

// Rulings returns the keys of the rulings, the latest last.
func Rulings(f *carev1.Rectification) []string {
	return slices.SortedFunc(maps.Keys(f.GetRulings()), func(a, b string) int {
		x, y := f.GetRulings()[a], f.GetRulings()[b]
		return cmp.Or(cmp.Compare(x.GetRuledAtMs(), y.GetRuledAtMs()), cmp.Compare(a, b))
	})
}

// Answers returns the keys of the answers, the latest last.
func Answers(f *carev1.Rectification) []string {
	return slices.SortedFunc(maps.Keys(f.GetAnswers()), func(a, b string) int {
		x, y := f.GetAnswers()[a], f.GetAnswers()[b]
		return cmp.Or(cmp.Compare(x.GetAnsweredAtMs(), y.GetAnsweredAtMs()), cmp.Compare(a, b))
	})
}

// Overdue reports whether the doctor has let the day pass: an answer that waits for the office is
// not the doctor's delay.
func (s Stand) Overdue(today care.Date) bool {
	return (s.State == StateOpen || s.State == StateReturned) && s.DueOn < today
}
