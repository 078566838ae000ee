// SPDX-License-Identifier: Apache-2.0

// Package projection says what a module is that keeps something about the persons of a county,
// derived from their records: what rules find, what indicators count, how people are searched.
//
// A person is a connected component of resident links, called by its smallest id. A record that
// is about no resident (an organisation, a survey, an event, a statistic) is a person of its own
// here, with that one record and the record's id.
//
// The one invariant: what a module keeps is a function of the persons as they stand, the
// settings and the day. Its tables can be deleted and come back.
//
// A module writes no record, and nothing personal into the log.
package projection

import (
	"context"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Module keeps something about persons. Its methods are called by one goroutine, one after the
// other; what it offers to readers reads the file in transactions of its own.
type Module interface {
	// Name is what its tables' names begin with, followed by "_": lower-case letters.
	Name() string
	// Schema returns the statements that create its tables. When they are other ones than the
	// file was made with, the tables are made anew and everybody is looked at again.
	Schema() string
	// Settings names what Look depends on beside the persons: the pack, the module's own
	// version. When it changes everybody is looked at again. With daily everybody is, too, when
	// the day changes.
	Settings() (name [32]byte, daily bool)
	// Look writes what follows from a person, in place of all that the tables have of these
	// residents. A person without entries is gone.
	Look(conn *sqlite.Conn, p *Person, day care.Date) error
	// Settle does the next piece of work that is about more than one person, at most a second
	// of it, when nobody waits to be looked at. It reports whether there was none.
	Settle(ctx context.Context, file *sqlitefile.File, day care.Date) (done bool, err error)
}

// Person is one person as it stands.
type Person struct {
	// ID is the smallest of the residents: whatever a module keeps is kept under it.
	ID record.ID
	// Residents are all of its residents, ascending; or the one record that is about nobody.
	Residents []record.ID
	// Rules has the entries, voided ones left out, as rules see them.
	Rules *rules.Person
	// Rows say of each entry's record where it stands. Voided records are in it, too.
	Rows map[record.ID]Row
}

// Row is what is known of a record apart from its form.
type Row struct {
	Position  uint64            // in the feed, of its latest change
	Divisions []record.Division // where it is shown, sorted; may be empty
	Class     record.Class
	Voided    bool
	First     Receipt // of its first revision
	Last      Receipt // of its latest one
}

// Receipt is the coming of one revision.
type Receipt struct {
	ReceivedAt time.Time        // by the centre's clock
	SavedAt    time.Time        // by the saver's clock
	Author     string           // the staff id that saved it
	Replica    causal.ReplicaID // that saved it
	Counter    uint64           // among all saves of that installation
}
