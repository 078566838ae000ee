// SPDX-License-Identifier: Apache-2.0

// Package findings follows the feed of a county and keeps what its rule pack finds about the
// records, per person and record, in a file of its own in the county's folder.
//
// A person is a connected component of resident links, called by the smallest id; records keep
// the subject they were captured with. What is found about one record is a row, with the
// divisions and the privacy class of that record. What a rule finds that looks at other
// records, too, is a row of its own, with the highest class of what the rule looks at, and the
// divisions of the resident.
//
//	feed ──▶ whose a record is, links ──▶ queue ──▶ look at a person ──▶ rows ──▶ pages, lists
//	                                        ▲
//	              new pack, new day: all residents, when nothing else is to be done
//
// A row has a position: the file's next one when it began to say what it says. A corrected
// record makes its row smaller or empty; the empty one stays, so that whoever has the former one
// hears of it. A row that leaves a class or a division leaves a row there that says so.
//
// The one invariant: rows are a function of the records as they stand, the pack and the day.
// The file can be deleted and comes back, apart from positions and the days since which rows
// stand. What was read of the feed, what is to be done because of it, and what came of that are
// each one transaction with the place up to which it goes.
//
// It never slows or fails a push: it reads what was committed, in small pieces, in one goroutine
// that keeps one processor busy at most. It writes no record, and nothing personal into the log.
// The bodies in the file are as plain as in the county's store.
package findings

import (
	"context"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Shard is what findings follow; *syncengine.Engine is one.
type Shard interface {
	// Epoch returns the present epoch: in another one positions begin anew.
	Epoch() ledger.Epoch
	// Changed returns a channel that is closed at the next commit.
	Changed() <-chan struct{}
	// Position returns the feed position of the last commit.
	Position() syncengine.Position
	// List returns rows in feed order.
	List(context.Context, syncengine.FeedQuery) ([]syncengine.RecordRow, error)
	// Rows returns those of these records that are there, in the order of ids.
	Rows(ctx context.Context, ids []record.ID) ([]syncengine.RecordRow, error)
}

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
