// SPDX-License-Identifier: Apache-2.0

// Package rules says what a county's rule pack finds about forms: findings,
// proposals, what is due, and who belongs to which population. Rules are data,
// CEL expressions over the messages of xunzhen.care.v1, so that tablet, server and
// browser get the same results from the same pack.
//
//	pack, err := rulepack.Load(county...)                // once; refused whole, with file and line
//	person := rules.NewPerson(id, entries)             // all records of a person, linked ids included
//	pack.Findings(person, today)                       // the follower: everything about the person
//	pack.Check(person, form, today)                    // the tablet: one form, before it is saved
//	pack.Proposals(person, form, today)                // classification, next date, … with reasons
//	pack.Due(person, today), pack.Populations(person, today)
//
// An expression sees
//
//	r          the form that is looked at, for example an HypertensionFollowUp
//	person     a RulePerson on the day of the form (on as_of for populations and due rows)
//	previous   the newest earlier form of the same kind; an empty one if there is none
//	history    the earlier forms of the same kind, newest first, at most MaxHistory
//	records.K  the person's forms of kind K, newest first, at most MaxRecords; r may be among them
//	as_of      the day of the evaluation, yyyymmdd
//	t.ID       a threshold of the pack
//	d.ID       a definition of the pack for the kind (not in populations and due rows)
//
// with voided records left out, numbers scaled as they are stored, codes as
// numbers (FollowUpResult.FOLLOW_UP_RESULT_CONTROLLED is one), and the functions
// of functions.go for civil dates and identity numbers. A measured value that is
// missing must be guarded with has().
//
// The invariant: evaluation is a function of the pack's content, the entries and
// the day. It never fails and never refuses a form: an expression that cannot be
// evaluated is itself a finding, marked as a fault of the pack. A pack that is
// loaded has been checked: types, names, sources, words in both languages, and a
// bound on what each expression may cost.
//
// The package knows no store, no clock and no wire. A Pack and a Person never
// change and may be used by many at once; the forms in a Person must not be
// changed either.
package rules
