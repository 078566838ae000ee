// SPDX-License-Identifier: Apache-2.0

package syncengine

import (
	"errors"
	"fmt"
)

// Reason says why the engine did not do what it was asked, in a form the caller
// can act on. What happens to single revisions is a ledger.Verdict, not a Reason.
type Reason uint8

const (
	// ReasonInternal: the store failed; ask again later.
	ReasonInternal Reason = iota
	// ReasonInvalid: the request itself makes no sense.
	ReasonInvalid
	// ReasonTooMuch: over a limit that session names; ask in smaller parts.
	ReasonTooMuch
	// ReasonWrongShard: meant for another county.
	ReasonWrongShard
	// ReasonUnreadable: bytes that are no segment, certificate or statement.
	ReasonUnreadable
	// ReasonSignature: a signature that does not fit its key.
	ReasonSignature
	// ReasonCertificate: the certificate that would show the key is not known here;
	// send it along.
	ReasonCertificate
	// ReasonChain: does not follow the segment it names as its previous one.
	ReasonChain
	// ReasonExpired: the certificate has expired; renew it. Pushing still works.
	ReasonExpired
	// ReasonRevoked: cut off by the office; only pushing works.
	ReasonRevoked
	// ReasonRights: the caller may not do this.
	ReasonRights
	// ReasonCode: the enrolment code is wrong, used or too old; ask for a new one.
	ReasonCode
	// ReasonSuccession: the key was succeeded too often without a person; enrol anew.
	ReasonSuccession
	// ReasonNotFound: there is no such thing, or the caller may not see it.
	ReasonNotFound
	// ReasonRolledBack: this file is older than what a caller has seen; the server
	// stopped accepting until an operator runs restore.
	ReasonRolledBack
	// ReasonFull: the disk is full; nothing was stored.
	ReasonFull

	reasonCount
)

var reasonNames = [reasonCount]string{
	"internal", "invalid", "too_much", "wrong_shard", "unreadable", "signature", "certificate", "chain", "expired",
	"revoked", "rights", "code", "succession", "not_found", "rolled_back", "full",
}

// String returns the reason in snake_case.
func (r Reason) String() string {
	if r < reasonCount {
		return reasonNames[r]
	}
	return fmt.Sprintf("reason_%d", uint8(r))
}

// Reasons returns every reason in order, for tables that must name them all.
func Reasons() []Reason {
	out := make([]Reason, reasonCount)
	for i := range out {
		out[i] = Reason(i)
	}
	return out
}

// Error is a refusal with its reason. Its text names no person and no measurement.
type Error struct {
	Reason Reason
	Doing  string // what was being done
	Err    error  // may be nil
}

func (e *Error) Error() string {
	s := e.Doing + ": " + e.Reason.String()
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

func refuse(r Reason, doing string, err error) error { return &Error{r, doing, err} }

// ReasonOf returns the reason inside err: ReasonInternal for errors without one.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	if errors.Is(err, ErrStoreFull) {
		return ReasonFull
	}
	return ReasonInternal
}

// ErrStoreFull is wrapped by a Store when there is no room for a write.
var ErrStoreFull = errors.New("no room left for the store")
