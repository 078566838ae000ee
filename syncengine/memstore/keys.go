// SPDX-License-Identifier: Apache-2.0

package memstore

import (
	"bytes"
	"cmp"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

type (
	byID   record.ID
	byHash segment.Hash
	byLeaf ledger.Index
	byNode int64 // as package tlog numbers stored hashes
	byName string
)

func (a byID) compare(b byID) int     { return bytes.Compare(a[:], b[:]) }
func (a byHash) compare(b byHash) int { return bytes.Compare(a[:], b[:]) }
func (a byLeaf) compare(b byLeaf) int { return cmp.Compare(a, b) }
func (a byNode) compare(b byNode) int { return cmp.Compare(a, b) }
func (a byName) compare(b byName) int { return cmp.Compare(a, b) }

// byPosition orders the feed. Records that share a position stand as they were made.
type byPosition struct {
	position syncengine.Position
	ref      int64
}

func (a byPosition) compare(b byPosition) int {
	return cmp.Or(cmp.Compare(a.position, b.position), cmp.Compare(a.ref, b.ref))
}

// byLeaver names the one departure of a record from a division.
type byLeaver struct {
	record   record.ID
	division record.Division
}

func (a byLeaver) compare(b byLeaver) int {
	return cmp.Or(bytes.Compare(a.record[:], b.record[:]), cmp.Compare(a.division, b.division))
}

// byLeaving orders departures.
type byLeaving struct {
	position syncengine.Position
	leaver   byLeaver
}

func (a byLeaving) compare(b byLeaving) int {
	return cmp.Or(cmp.Compare(a.position, b.position), a.leaver.compare(b.leaver))
}

type byPile syncengine.SumKey

func (a byPile) compare(b byPile) int {
	return cmp.Or(cmp.Compare(a.Division, b.Division), cmp.Compare(a.Class, b.Class))
}

// byCounter orders the segments of one replica after another.
type byCounter struct {
	replica causal.ReplicaID
	first   uint64
	leaf    ledger.Index
}

func (a byCounter) compare(b byCounter) int {
	return cmp.Or(a.replica.Compare(b.replica), cmp.Compare(a.first, b.first), cmp.Compare(a.leaf, b.leaf))
}

// byAct orders acts; two that are equal in all of it are the same act.
type byAct struct {
	family syncengine.ActFamily
	key    string
	dot    causal.Dot
	body   string
}

func (a byAct) compare(b byAct) int {
	return cmp.Or(cmp.Compare(a.family, b.family), cmp.Compare(a.key, b.key), a.dot.Compare(b.dot), cmp.Compare(a.body, b.body))
}
