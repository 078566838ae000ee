// SPDX-License-Identifier: Apache-2.0

// Package findings keeps what a county's rule pack finds about the records, per person and record:
// a module of the county's projection, which has it look at whoever changed.
//
// What is found about one record is a row, with the divisions and the privacy class of that
// record. What a rule finds that looks at other records, too, is a row of its own, with the
// highest class of what the rule looks at, and the divisions of the resident.
//
//	projection ──▶ look at a person ──▶ rows ──▶ pages, lists
//
// A row has a position: the next one when it began to say what it says. A corrected
// record makes its row smaller or empty; the empty one stays, so that whoever has the former one
// hears of it. A row that leaves a class or a division leaves a row there that says so.
//
// The one invariant: rows are a function of the persons as they stand, the pack and the day.
// The tables can be deleted and come back, apart from positions and the days since which rows
// stand.
//
// It writes no record, and nothing personal into the log. The bodies in the file are as plain as
// in the county's store.
package findings

import (
	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
)

// Rules are a pack of rules; *rules.Pack is one.
type Rules interface {
	// Name returns what it is called, and Version its edition.
	Name() string
	Version() string
	// Hash names what it does.
	Hash() [32]byte
	// Content returns its rows.
	Content() *carev1.RulePackContent
	// Findings returns what it finds about all records of a person as of a day.
	Findings(*rules.Person, care.Date) []*carev1.Finding
	// Check returns what it finds about one of them.
	Check(*rules.Person, rules.Entry, care.Date) []*carev1.Finding
}
