// SPDX-License-Identifier: Apache-2.0

package tablet

// Lists as mobile bindings can carry them. Their contents never change.

// Strings is a list of texts.
type Strings struct{ all []string }

// Len returns how many there are.
func (l *Strings) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *Strings) At(i int) string { return l.all[i] }

// RecordList is a list of records.
type RecordList struct{ all []*Record }

// Len returns how many there are.
func (l *RecordList) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *RecordList) At(i int) *Record { return l.all[i] }

// ConflictList is a list of registers with siblings.
type ConflictList struct{ all []*Conflict }

// Len returns how many there are.
func (l *ConflictList) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *ConflictList) At(i int) *Conflict { return l.all[i] }

// ValueList is a list of siblings, the displayed one first.
type ValueList struct{ all []*Value }

// Len returns how many there are.
func (l *ValueList) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *ValueList) At(i int) *Value { return l.all[i] }

// HubList is a list of clinic hubs, in the order in which they are tried.
type HubList struct{ all []*Hub }

// Len returns how many there are.
func (l *HubList) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *HubList) At(i int) *Hub { return l.all[i] }

// HeldList is a list of own saves that the centre holds.
type HeldList struct{ all []*Held }

// Len returns how many there are.
func (l *HeldList) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *HeldList) At(i int) *Held { return l.all[i] }

// HitList is a list of residents found.
type HitList struct {
	all     []*Hit
	damaged int
}

// Damaged returns how many residents are damaged on this tablet. Any of them might be
// the one looked for.
func (l *HitList) Damaged() int { return l.damaged }

// Len returns how many there are.
func (l *HitList) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *HitList) At(i int) *Hit { return l.all[i] }

// ChangeList is what a save wrote.
type ChangeList struct{ all []*Change }

// Len returns how many there are.
func (l *ChangeList) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *ChangeList) At(i int) *Change { return l.all[i] }

// FindingList is a list of what rules found.
type FindingList struct{ all []*Finding }

// Len returns how many there are.
func (l *FindingList) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *FindingList) At(i int) *Finding { return l.all[i] }

// FieldList is a list of fields of a form.
type FieldList struct{ all []*Field }

// Len returns how many there are.
func (l *FieldList) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *FieldList) At(i int) *Field { return l.all[i] }

// ProposalList is a list of what rules offer.
type ProposalList struct{ all []*Proposal }

// Len returns how many there are.
func (l *ProposalList) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *ProposalList) At(i int) *Proposal { return l.all[i] }

// LastValueList is a list of last values, in the order of the form.
type LastValueList struct{ all []*LastValue }

// Len returns how many there are.
func (l *LastValueList) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *LastValueList) At(i int) *LastValue { return l.all[i] }

// PromptList is a list of what to think of while somebody is there, the most pressing first.
type PromptList struct{ all []*Prompt }

// Len returns how many there are.
func (l *PromptList) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *PromptList) At(i int) *Prompt { return l.all[i] }
