// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"context"
	"errors"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// Store keeps one shard: its segments, its ledger, and the record states that
// follow from them. It decides nothing; package storetest says what it owes.
//
// Rows and byte slices that a Reader returns may be kept after the closure, and
// must not be changed. What is handed to a Tx must not be changed afterwards.
type Store interface {
	// View runs f on one consistent snapshot. Views run beside each other and
	// beside one Update, and never see part of it.
	View(ctx context.Context, f func(Reader) error) error
	// Update runs f as the only writer. When it returns nil, everything f wrote is
	// on disk for good; when it returns an error, nothing f wrote is there.
	Update(ctx context.Context, f func(Tx) error) error
	// Close waits for running closures. The store is of no use afterwards.
	Close() error
}

// ErrAgain is wrapped by what a store says when it gave a transaction up for a reason that may be
// gone soon: nothing of it is there, and the same closure may succeed.
var ErrAgain = errors.New("the store asks to try again")

// ErrUncertain is wrapped by what a store says when it does not know whether a transaction was
// committed. The next one shows it.
var ErrUncertain = errors.New("whether the store committed is not known")

// Marked is a Reader of a store that other processes write, too. An engine relies on what it
// remembers only while the mark is the one that it remembers it of.
type Marked interface {
	// Mark counts the commits that the snapshot has, or that a Tx goes on from: each Update that
	// returned nil is one, whoever called it.
	Mark() (uint64, error)
}

// Forgetter is a Store that keeps what was overwritten for a while, in a log of its own.
type Forgetter interface {
	// Forget drops what no View can see any more: when it returns nil, nothing that
	// was overwritten before is on the disk. It waits at most patience for running Views;
	// an error says that something may be left.
	Forget(ctx context.Context, patience time.Duration) error
}

// Reader is what a View sees. Lookups of what is not there return false and no error.
type Reader interface {
	RecordReader
	SegmentReader
	LedgerReader
	ActReader
}

// Tx is a Reader that sees its own writes, and writes.
type Tx interface {
	Reader
	RecordWriter
	SegmentWriter
	LedgerWriter
	ActWriter
}

// Position is a place in a shard's feed.
type Position = session.Position

// Flags say what the office may want to look at in a record.
type Flags uint8

const (
	// FlagConflict: some register has siblings with different bytes.
	FlagConflict Flags = 1 << iota
	// FlagHeld: some revision is held.
	FlagHeld
	// FlagWaiting: some revision waits for its author's previous one.
	FlagWaiting
	// FlagNoScope: no scope is live.
	FlagNoScope
	// FlagVoided: the record is void.
	FlagVoided
)

// RecordRow is one record as a store keeps it.
type RecordRow struct {
	Ref       int64 // the store's own handle; 0 in a row that was never stored
	ID        record.ID
	Position  Position // of its latest change; 0: nothing received yet, not in the feed
	Class     record.Class
	Divisions []record.Division // where it is sent, sorted; may be empty
	Subject   record.ID         // zero: none
	Flags     Flags
	State     []byte // canonical bytes (record.State)
	Places    []byte // where each of its revisions is stored; the engine's own codec
}

// FeedQuery selects records. Empty Classes or Divisions select nothing; one empty
// prefix selects every division, and records with none. Kind and Subject zero,
// and Flags zero, do not select.
type FeedQuery struct {
	After     Position // exclusive
	UpTo      Position // inclusive; 0: no end
	Divisions []record.Division
	Classes   []record.Class
	Kind      record.Kind
	Subject   record.ID
	Flags     Flags // any of these
	Limit     int   // at least 1
	Bytes     int   // the row that brings their sizes to this is the last one; 0: no bound
}

// Size returns what a row takes in memory, in bytes, as FeedQuery.Bytes counts it.
func (r RecordRow) Size() int { return len(r.State) + len(r.Places) }

// Full reports whether the answer to q ended at a limit of q: then there may be more.
func (q FeedQuery) Full(answer []RecordRow) bool {
	size := 0
	for _, r := range answer {
		size += r.Size()
	}
	return len(answer) >= q.Limit || q.Bytes > 0 && size >= q.Bytes
}

// Departure says that a record left a division at a position.
type Departure struct {
	Record   record.ID
	Division record.Division
	Class    record.Class
	Position Position
}

// SumKey names one pile of records: those of a division and a privacy class.
type SumKey struct {
	Division record.Division
	Class    record.Class
}

// Sum is the number of records in a pile and the sum of their fingerprints
// modulo 2^256, big-endian.
type Sum struct {
	Count uint64
	Total [32]byte
}

// RecordReader reads records and the feed.
type RecordReader interface {
	// Record returns one record.
	Record(id record.ID) (RecordRow, bool, error)
	// Feed returns records in order of position, at most q.Limit, and no more after
	// q.Bytes: one state can be large, and a page of them must not be.
	Feed(q FeedQuery) ([]RecordRow, error)
	// Departures returns departures with a position in (after, upTo] (upTo 0: no
	// end) from divisions under one of the prefixes and of one of the classes, in
	// order of position, at most limit.
	Departures(after, upTo Position, prefixes []record.Division, classes []record.Class, limit int) ([]Departure, error)
	// Sums returns every pile that is not empty.
	Sums() (map[SumKey]Sum, error)
}

// ErrRecordStored is wrapped when a row is put as new under an id that is stored.
var ErrRecordStored = errors.New("record is stored already")

// RecordWriter writes records and the feed.
type RecordWriter interface {
	// PutRecord stores the row under its id: a new one when Ref is 0, else in place
	// of the one it was read from. With Ref 0 and an id that is stored the error wraps
	// ErrRecordStored.
	PutRecord(RecordRow) error
	// PutDeparture stores d in place of an earlier one of the same record and division.
	PutDeparture(d Departure) error
	// DeleteDeparture removes the departure of a record from a division, if there is one.
	DeleteDeparture(id record.ID, division record.Division) error
	// PutSum stores a pile; an empty one is removed.
	PutSum(SumKey, Sum) error
}

// SegmentHead is what is kept of a segment beside its bytes.
type SegmentHead struct {
	Index       ledger.Index // its leaf
	Hash        segment.Hash
	Replica     causal.ReplicaID
	First, Last uint64
	Previous    segment.Hash // zero in a replica's first
	Certificate segment.Hash
	Position    Position // of the feed after its commit
	// Office segments go down: to the receivers of their division and class.
	Office   bool
	Class    record.Class
	Division record.Division // empty with record.ClassEveryone
}

// SegmentReader reads segments.
type SegmentReader interface {
	// Segment returns the head of the segment with this hash.
	Segment(segment.Hash) (SegmentHead, bool, error)
	// SegmentAt returns the head of the segment whose leaf has this index.
	SegmentAt(ledger.Index) (SegmentHead, bool, error)
	// SegmentBytes returns the stored (compressed) bytes of the segment at a leaf.
	SegmentBytes(ledger.Index) ([]byte, bool, error)
	// Segments returns a replica's segments that hold a counter of at least from,
	// in order of first counter, then leaf, at most limit.
	Segments(r causal.ReplicaID, from uint64, limit int) ([]SegmentHead, error)
	// Newest returns the head of a replica's segment with the highest leaf, the one that
	// was received last, without reading the others.
	Newest(causal.ReplicaID) (SegmentHead, bool, error)
	// Replicas returns every replica that has a segment, ascending.
	Replicas() ([]causal.ReplicaID, error)
	// OfficeSegments returns office segments with a leaf at or after from whose
	// class is in classes and whose division lies under a prefix (those of
	// record.ClassEveryone whatever the prefixes), in order of leaf, at most limit.
	OfficeSegments(from ledger.Index, prefixes []record.Division, classes []record.Class, limit int) ([]SegmentHead, error)
}

// SegmentWriter writes segments.
type SegmentWriter interface {
	// PutSegment stores a segment, and again (same hash) when a body was erased.
	PutSegment(head SegmentHead, stored []byte) error
}

// LedgerReader reads leaves and tree hashes.
type LedgerReader interface {
	tlog.HashReader
	// Size returns the number of leaves.
	Size() (ledger.Size, error)
	// Leaf returns a leaf as it was written.
	Leaf(ledger.Index) ([]byte, bool, error)
}

// LedgerWriter appends leaves.
type LedgerWriter interface {
	// AppendLeaf stores the next leaf and the tree hashes it completes, which
	// follow the stored ones in order (package tlog numbers them).
	AppendLeaf(leaf []byte, hashes []tlog.Hash) error
}

// ActFamily groups the acts that the engine looks up together.
type ActFamily uint8

const (
	// ActCertificate: key is the certificate's hash, body the certificate.
	ActCertificate ActFamily = 1 + iota
	// ActFence: key is the replica, body the Fence.
	ActFence
	// ActRuling: key is the target's dot (32 bytes), body one byte kind and the Ruling.
	ActRuling
	// ActGap: key is the replica, body 16 bytes: first and last counter, big-endian.
	ActGap
	// ActErasure: key is the target's dot, body the ErasureAct.
	ActErasure
	// ActFork: key is the replica, body the two segment hashes that show it.
	ActFork

	actFamilies // one more than the last
)

// Act is something the engine obeys or remembers, by what it speaks about.
type Act struct {
	Family ActFamily
	Key    []byte
	Dot    causal.Dot // of the revision that says it; zero when it came otherwise
	Body   []byte
}

// ActReader reads acts and single values.
type ActReader interface {
	// Acts returns the acts of a family about a key, in order of dot, then body; a
	// nil key selects the whole family, in order of key first.
	Acts(f ActFamily, key []byte) ([]Act, error)
	// Value returns a single named value.
	Value(name string) ([]byte, bool, error)
}

// ActWriter writes acts and single values.
type ActWriter interface {
	// PutAct stores an act; the same one (family, key, dot, body) twice is once.
	PutAct(Act) error
	// PutValue stores a single named value in place of an earlier one.
	PutValue(name string, value []byte) error
}

// Checker is a Store that can look at its own files; Verify has it do so.
type Checker interface {
	// Check returns what is wrong, one finding a line; none: all is in order.
	Check(ctx context.Context) ([]string, error)
}
