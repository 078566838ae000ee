// SPDX-License-Identifier: Apache-2.0

// Package session is what a holder and the centre say to each other: Hello, Push,
// Pull. It holds the words only, as plain values; the engine answers them, package
// replica asks them, and the services carry them over the network unchanged.
//
// The one invariant: nothing is assumed sent. A holder offers by hash every
// segment for which it has no ack of this epoch, and the centre answers which of
// them it lacks. (Hashes instead of counter ranges: with forks, stated gaps and
// restored centres a range does not say what is there.)
package session

import (
	"context"
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// Position is a place in a shard's feed, from 1, gap-free within an epoch, in
// commit order. 0 is before everything.
type Position uint64

// Limits of one call. A caller with more asks again.
const (
	// MaxOffers is the greatest number of offers in one Hello.
	MaxOffers = 4096
	// MaxPushSegments is the greatest number of segments in one Push.
	MaxPushSegments = 64
	// MaxPushBytes is the greatest size of all segments in one Push.
	MaxPushBytes = 1 << 20
	// MaxCertificates is the greatest number of certificates in one call.
	MaxCertificates = 64
	// MaxPageRecords is the greatest number of records in one page.
	MaxPageRecords = 1000
	// MaxState is the largest state that is sent to devices, in bytes. One that is
	// larger is hundreds of times what a form can hold, out of very many saves beside
	// each other: somebody's broken or hostile client. Devices are told that the record
	// departed, and the office withdraws what makes it large.
	MaxState = 4 << 20
	// MaxPageBytes is about where a page ends, counted in state bytes.
	MaxPageBytes = 1 << 20
	// MaxLoans is the greatest number of loans that a hub has out to one caller.
	MaxLoans = 4096
	// MaxLoanBytes is the greatest size of all of them: some 6,000 saves, weeks of a
	// clinic. Older ones are not lent.
	MaxLoanBytes = 4 << 20
)

// Centre is what a holder syncs with: the centre itself, or a hub that stands in
// for it. All methods may be called again with the same request at any time.
type Centre interface {
	// Hello compares what both sides have.
	Hello(context.Context, HelloRequest) (HelloReply, error)
	// Push hands over segments and gap statements.
	Push(context.Context, PushRequest) (PushReply, error)
	// Pull calls page for each page in order. An error of page ends it and is
	// returned. The last page has a Summary.
	Pull(ctx context.Context, q PullRequest, page func(Page) error) error
	// Succeed certifies the new key of a replica that has to go on under one. The
	// argument is a serialised Succession; the answer a serialised Certificate.
	Succeed(ctx context.Context, succession []byte) ([]byte, error)
}

// Scoper is a Centre that says beforehand how much a pull would bring. One that is older,
// or speaks in writing, is none.
type Scoper interface {
	// Scope returns how much a pull from nothing would bring now.
	Scope(context.Context) (Extent, error)
}

// Extent is how much there is in a caller's scope.
type Extent struct {
	Records    uint64 // one in several of the caller's divisions counts in each
	StateBytes uint64 // of their states, neither packed nor compressed
	Sampled    bool   // StateBytes is reckoned from a sample
}

// Offer names a segment that the caller holds.
type Offer struct {
	Hash        segment.Hash
	Replica     causal.ReplicaID
	First, Last uint64
}

// HelloRequest opens a session.
type HelloRequest struct {
	Epoch        ledger.Epoch // of the caller's cursor; zero: none yet
	Checkpoint   []byte       // newest checkpoint the caller has, signed; empty: none
	Cursor       []byte       // opaque; empty: none
	Offers       []Offer      // segments without an ack of this epoch
	Certificates [][]byte     // the caller's own and those its segments name
	// Asks are segments that the caller does not hold and has loans of; at most
	// MaxOffers. Those that are stored are in Acks; none is wanted.
	Asks []segment.Hash
}

// Head is the last segment of one history of a replica.
type Head struct {
	Last uint64
	Hash segment.Hash
}

// HelloReply answers it.
type HelloReply struct {
	Epoch        ledger.Epoch
	CursorHolds  bool           // false: pull from the beginning
	Wants        []segment.Hash // offered and not stored, in the order offered
	Acks         []byte         // signed, for what was offered and is stored; empty: none
	Marks        [][]byte       // the last backup marks of this epoch, newest last, at most 2
	OwnHeads     []Head         // histories of the caller's own key that the centre has
	Gaps         causal.Ranges  // stated gaps of the caller's own key
	Certificates [][]byte       // of the centre's replicas, former ones included
	Revoked      bool           // the caller may push but not pull
}

// PushRequest hands over what a holder has. Certificates are read first, then
// gaps, then segments in their order.
type PushRequest struct {
	Certificates [][]byte
	Gaps         [][]byte // serialised GapStatements
	Segments     [][]byte // segments byte for byte
	Envelopes    [][]byte // serialised Envelopes, of segments a locked tablet sealed
}

// Outcome says what became of one thing that was pushed.
type Outcome uint8

const (
	// OutcomeStored: committed and on disk.
	OutcomeStored Outcome = 1 + iota
	// OutcomeAlready: was stored before.
	OutcomeAlready
	// OutcomeGap: not stored; earlier counters of its replica are missing.
	OutcomeGap
	// OutcomeRefused: not stored; no valid signature or not readable. No dot is taken.
	OutcomeRefused
)

// SegmentResult is what became of one segment.
type SegmentResult struct {
	Hash     segment.Hash // zero when it could not even be read
	Outcome  Outcome
	Index    ledger.Index     // stored or already
	Position Position         // of the feed after its commit; stored or already
	Expects  uint64           // gap: the counter that must come first
	Fork     bool             // its replica has another history
	Verdicts []ledger.Verdict // stored or already: one per revision, as they stand now
	Reason   string           // refused: the reason's name
}

// PushReply answers a push, segments first, then envelopes, each in its order.
type PushReply struct {
	Results []SegmentResult
	Gaps    []Outcome // one per gap statement
	Acks    []byte    // signed, for what is stored or was already; empty: none
}

// PullRequest asks for what changed. The scope is the caller's; the cursor says
// how far it has come in each part of it and carries no authority.
type PullRequest struct {
	Cursor         []byte
	CheckpointSize ledger.Size // of the caller's checkpoint in this epoch; 0: none
	PageRecords    int         // wanted records per page; 0: the server's choice
	// Borrows says that the caller takes loans, and Borrowed which it has. Only a hub
	// lends.
	Borrows  bool
	Borrowed []LoanName
}

// Loan is a colleague's saves that the centre has not sent yet, as far as they are
// for the caller: a part of one segment (segment.OpenPart), with the certificate by
// which it is judged. It is for the caller's screen. It is not handed on.
type Loan struct {
	Part        []byte
	Certificate []byte
}

// LoanName names what is in a loan: the first bytes of SHA-256(Part).
type LoanName [16]byte

// Name returns the name of the loan.
func (l Loan) Name() LoanName {
	h := sha256.Sum256(l.Part)
	return LoanName(h[:16])
}

// Base is a state received from the centre, named (epoch, position).
type Base struct {
	ID        record.ID
	Class     record.Class
	Position  Position
	Divisions []record.Division // where the centre sends it
	State     []byte            // canonical bytes
}

// Departure says that a record is no longer in the caller's scope.
type Departure struct {
	ID       record.ID
	Position Position
}

// Page is one step of a pull; it is applied as a whole together with its cursor.
type Page struct {
	Epoch      ledger.Epoch
	Bases      []Base // in order of position
	Departures []Departure
	Segments   [][]byte // the centre's own segments
	Loans      []Loan   // those that the caller has not borrowed; from a hub
	Cursor     []byte
	Last       *Summary // in the last page only
}

// Sum is the number of records and the sum of their fingerprints in a division
// and privacy class.
type Sum struct {
	Division record.Division
	Class    record.Class
	Count    uint64
	Total    [32]byte
}

// Summary closes a pull; it was read in the snapshot of the last page.
type Summary struct {
	Checkpoint []byte      // signed
	Extends    ledger.Size // size of the caller's checkpoint the proof starts at
	Proof      []tlog.Hash // that this checkpoint extends the caller's; empty at 0
	Position   Position    // of the feed
	Sums       []Sum       // of the caller's scope
	Marks      [][]byte    // as in HelloReply
	// Lends says that the peer lends, and Lent names all that is lent to the caller now:
	// what it borrowed from this peer and is not named goes back.
	Lends bool
	Lent  []LoanName
}
