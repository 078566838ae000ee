// SPDX-License-Identifier: Apache-2.0

package replica

import (
	"context"
	"time"
)

// Store keeps everything a replica must not forget, as rows in buckets. It
// decides nothing and reads nothing; package storetest says what it owes.
//
// At rest a Body is to be sealed: it is personal data. A Key or a Head never is:
// they hold hashes, dots, counters, positions, ids and what the shard signed, so
// that a locked tablet can still say what it has and what it lacks.
type Store interface {
	// View runs f on one consistent snapshot. Views run beside each other and
	// beside one Update, and never see part of it.
	View(ctx context.Context, f func(Reader) error) error
	// Update runs f as the only writer. When it returns nil, everything f wrote is
	// on disk for good; when it returns an error, nothing f wrote is there.
	Update(ctx context.Context, f func(Tx) error) error
}

// Forgetter is a Store that keeps what was overwritten for a while, in a log of its own.
type Forgetter interface {
	// Forget drops what no View can see any more: when it returns nil, nothing that
	// was overwritten before is on the disk. It waits at most patience for running Views;
	// an error says that something may be left.
	Forget(ctx context.Context, patience time.Duration) error
}

// Row is one entry of a bucket. Rows and slices that a Reader returns may be kept
// after the closure and must not be changed; what is handed to a Tx must not be
// changed afterwards.
type Row struct {
	Key  []byte
	Head []byte // never personal; kept in clear
	Body []byte // personal; sealed at rest; only Get returns it
}

// Reader is what a View sees.
type Reader interface {
	// Get returns a row with its body and whether it is there. While bodies cannot
	// be opened its error wraps ErrLocked, unless the row has no body. A body that is
	// not what was stored gives an error that wraps ErrDamaged, with the rest of the
	// row; it concerns that row only.
	Get(b Bucket, key []byte) (Row, bool, error)
	// Head returns a row's head and whether it is there. It never opens a body.
	Head(b Bucket, key []byte) ([]byte, bool, error)
	// Scan returns rows without bodies whose keys begin with prefix and are greater
	// than after (nil: all), ascending by key, at most limit.
	Scan(b Bucket, prefix, after []byte, limit int) ([]Row, error)
}

// Tx is a Reader that sees its own writes, and writes.
type Tx interface {
	Reader
	// Put stores a row in place of an earlier one with the same key. While bodies
	// cannot be sealed its error wraps ErrLocked, unless the row has no body.
	Put(b Bucket, row Row) error
	// PutHead replaces the head of a row and leaves its body as it is; of a row that
	// is not there it makes one without body.
	PutHead(b Bucket, key, head []byte) error
	// Delete removes a row, if it is there.
	Delete(b Bucket, key []byte) error
}

// Bucket is a set of rows of one meaning. DESIGN.md has their keys and heads.
// Numbers are frozen: they are on disk.
type Bucket uint8

// The buckets. Only Revisions, Segments, Bases and Lent have bodies.
const (
	Values       Bucket = 1 + iota // single values by name
	Own                            // own replica ids, former ones included
	Revisions                      // own saves not yet sealed
	Prevs                          // own latest save per record
	Segments                       // sealed runs: own, carried, the centre's
	Chains                         // every segment held, by replica and first counter
	Made                           // hashes of the segments made here, dropped ones included
	Unsettled                      // segments to offer: not known to lie under a checkpoint of this epoch
	Acked                          // what the centre said of a segment
	Acks                           // signed acks as received, to hand on
	Places                         // where each revision held here is, by record
	Verdicts                       // own saves that the centre did not admit
	Bases                          // records: states received from the centre
	Subjects                       // records by the resident they are about
	Sums                           // fingerprints by division and privacy class
	Certificates                   // by hash
	Gaps                           // gap statements, own and carried
	Peers                          // how far each peer was pulled
	Arrivals                       // the centre's segments in order of arrival
	Envelopes                      // own segments encrypted to the shard, until acked
	Evidence                       // checkpoints that contradict each other
	Orders                         // revisions whose bodies the centre ordered gone
	Loans                          // what hubs lend: a colleague's saves from one segment
	Lent                           // those saves, by record
	lastBucket   = Lent
)

// Buckets returns all buckets.
func Buckets() []Bucket {
	var out []Bucket
	for b := Values; b <= lastBucket; b++ {
		out = append(out, b)
	}
	return out
}
