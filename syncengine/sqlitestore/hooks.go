// SPDX-License-Identifier: Apache-2.0

package sqlitestore

// A point is a place in an update where a crash is tried.
type point string

const (
	beforeBegin     point = "before begin"
	afterRecord     point = "after a record"
	afterFeed       point = "after an entry of the feed"
	afterDeparture  point = "after a departure"
	afterUndeparted point = "after the end of a departure"
	afterSum        point = "after a sum"
	afterUnsummed   point = "after the end of a sum"
	afterHead       point = "after a segment's head"
	afterBytes      point = "after a segment's bytes"
	afterReplica    point = "after a segment's replica"
	afterLeaf       point = "after a leaf"
	afterTreeHash   point = "after a tree hash"
	afterAct        point = "after an act"
	afterValue      point = "after a value"
	beforeCommit    point = "before commit"
	afterCommit     point = "after commit"
)

// hooks let tests in; outside tests they are empty.
type hooks struct{ reached func(point) }

func (h hooks) at(p point) {
	if h.reached != nil {
		h.reached(p)
	}
}
