// SPDX-License-Identifier: Apache-2.0

// Package projection keeps what modules derive about the persons of a county from their records:
// what rules find, what indicators count, how people are searched. It follows the feed, knows who
// is a person, and has the modules look at whoever changed, in one derived file of the county.
//
//	feed ──▶ whose a record is, links, receipts ──▶ queue ──▶ a person, read once ──▶ each module's tables
//	                                                  ▲
//	              new settings, a new day: everybody, when nothing else is to be done
//
// A person is a connected component of resident links, called by its smallest id. A record that
// is about no resident (an organisation, a survey, an event, a statistic) is a person of its own
// here, with that one record and the record's id.
//
// The one invariant: what a module keeps is a function of the persons as they stand, the
// settings and the day. Its tables can be deleted and come back. What was read of the feed, what
// is to be done because of it, and what came of that are each one transaction.
//
// It never slows or fails a push: it reads what was committed, in small pieces, in one goroutine
// that keeps one processor busy at most, and takes a tenth of the time while others are served.
// A module that fails or panics at a person holds up neither the others nor that person: it is
// logged, told by State, and tried again. Nothing here writes a record, or anything personal
// into the log. The file is as plain as the county's store.
package projection

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Module keeps something about persons. Its methods are called by one goroutine, one after the
// other; what it offers to readers reads the file in transactions of its own. It may be a Reader,
// a Beginner or a Chooser, too.
type Module interface {
	// Name is what its tables' names begin with, followed by "_": lower-case letters.
	Name() string
	// Schema returns the statements that create its tables. When they are other ones than the
	// file was made with, the tables are made anew and everybody is looked at again.
	Schema() string
	// Settings names what Look depends on beside the persons: the pack, the module's own
	// version. When it changes everybody is looked at again. With daily everybody is, too, when
	// the day changes. It is asked often, and must be quick.
	Settings() (name [32]byte, daily bool)
	// Look writes what follows from a person, in place of all that the tables have of these
	// residents. A person without entries is gone. When it fails or panics, nothing that it
	// wrote about this person stays, and it is tried again later.
	Look(conn *sqlite.Conn, p *Person, day care.Date) error
	// Settle does the next piece of work that is about more than one person, at most a second
	// of it, when nobody waits to be looked at. It reports whether there was none; then it is
	// asked again once it has looked at somebody, or its settings or the day have changed.
	Settle(ctx context.Context, file *sqlitefile.File, day care.Date) (done bool, err error)
}

// Reader is a Module that answers questions.
type Reader interface {
	// Attach hands it the projection in which it reads, once, before anything else but Begin.
	Attach(*Projection)
}

// Beginner is a Module whose tables begin with something in them.
type Beginner interface {
	// Begin writes that, just after the tables were made.
	Begin(conn *sqlite.Conn) error
}

// Chooser is a Module that chooses its settings by the records of one kind, such as the rule
// pack. Records of such a kind are nobody's, and no module looks at them.
type Chooser interface {
	// Chooses returns the kind.
	Chooses() record.Kind
	// Choose is called after each start and when such records have changed, before Settings and
	// when all of the feed was read: with those there are, the one with the greatest id first, at
	// most 64. The modules choose in their order. It may write its own tables. When it fails it
	// is tried again later, and what was chosen before stays.
	Choose(ctx context.Context, conn *sqlite.Conn, rows []syncengine.RecordRow) error
}

// Person is one person as it stands. Modules share it and must not change it.
type Person struct {
	// ID is the smallest of the residents: whatever a module keeps is kept under it.
	ID record.ID
	// Residents are all of its residents, ascending; or the one record that is about nobody.
	Residents []record.ID
	// Rules has the entries, voided ones left out, as rules see them.
	Rules *rules.Person
	// Rows say of each entry's record where it stands. Voided and unreadable records are in it, too.
	Rows map[record.ID]Row
	// Unreadable are records whose forms cannot be read, ascending: Rules does not have them.
	Unreadable []record.ID
	// Fault says why this is not the whole person; empty: it is.
	Fault Fault
	// Only says what alone is another since this module looked at this person last, with the
	// same settings. Whoever works out everything each time need not ask.
	Only Only
}

// Fault is why a person is not looked at as a whole.
type Fault string

const (
	// FaultLinked: more than MaxLinked residents are linked, and each is looked at by itself.
	FaultLinked Fault = "linked"
	// FaultRecords: it has more than MaxRecords records, and no entries here.
	FaultRecords Fault = "records"
)

// Only says what is another. In the zero Only everything may be.
type Only struct {
	Day     bool               // the day
	Records map[record.ID]bool // the day, and these records
}

// Row is what is known of a record apart from its form.
type Row struct {
	Position  uint64            // in the feed, of its latest change
	Divisions []record.Division // where it is shown, sorted; may be empty
	Class     record.Class
	Voided    bool
	First     Receipt // of its first revision; zero when that cannot be known
	Last      Receipt // of its latest one
}

// Receipt is the coming of one revision: see syncengine.Receipts for which ones count.
type Receipt = syncengine.Receipt
