// SPDX-License-Identifier: Apache-2.0

package memstore

import (
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// world is everything a store holds. A copy of it is a snapshot; its methods that
// write replace fields of their own copy only.
type world struct {
	commits uint64
	lastRef int64
	records tree[byID, *syncengine.RecordRow]
	feed    tree[byPosition, *syncengine.RecordRow]
	subject tree[byID, tree[byID, *syncengine.RecordRow]]

	departures tree[byLeaver, syncengine.Departure]
	leavings   tree[byLeaving, syncengine.Departure]
	sums       tree[byPile, syncengine.Sum]

	heads  tree[byHash, syncengine.SegmentHead]
	leafs  tree[byLeaf, syncengine.SegmentHead]
	chains tree[byCounter, syncengine.SegmentHead]
	office tree[byLeaf, syncengine.SegmentHead]
	bytes  tree[byLeaf, []byte]

	size   ledger.Size
	leaves tree[byLeaf, []byte]
	nodes  tree[byNode, tlog.Hash]

	acts   tree[byAct, syncengine.Act]
	values tree[byName, []byte]
}

var (
	_ syncengine.Tx     = (*world)(nil)
	_ syncengine.Marked = (*world)(nil)
)

// Mark counts commits.
func (w *world) Mark() (uint64, error) { return w.commits, nil }

// atLeastOne refuses a limit that selects nothing.
func atLeastOne(limit int) error {
	if limit < 1 {
		return fmt.Errorf("limit %d: at least 1", limit)
	}
	return nil
}

// within reports whether a record of these divisions is selected by prefixes.
func within(divisions, prefixes []record.Division) bool {
	return slices.Contains(prefixes, "") ||
		slices.ContainsFunc(divisions, func(d record.Division) bool { return d.WithinAny(prefixes) })
}
