// SPDX-License-Identifier: Apache-2.0

package ledger

import (
	"fmt"
	"slices"
)

// Verdict is what the centre made of a revision. Numbers are those of
// syncv1.Verdict. The zero value says nothing and is never stored.
type Verdict uint8

// The verdicts. Content is never a reason to hold.
const (
	Admitted Verdict = 1 + iota
	Waiting          // stored; the author's previous revision of the record has not come
	HeldMalformed
	HeldTooLarge
	HeldUnknownKind
	HeldAuthor        // not on the certificate's staff list
	HeldScope         // outside the certificate's divisions
	HeldClass         // of a privacy class the certificate lacks
	HeldFence         // beyond a fence
	HeldScopeUnknown  // until the revision that bore the scope seen has come
	HeldScopeMismatch // that revision bore another scope
	HeldWithdrawn     // by the office
	HeldNotCentre     // an act that only the centre may do
	HeldBoundary      // a known field cut elsewhere than at its register
)

var verdictNames = [...]string{
	Admitted:          "admitted",
	Waiting:           "waiting",
	HeldMalformed:     "held_malformed",
	HeldTooLarge:      "held_too_large",
	HeldUnknownKind:   "held_unknown_kind",
	HeldAuthor:        "held_author",
	HeldScope:         "held_scope",
	HeldClass:         "held_class",
	HeldFence:         "held_fence",
	HeldScopeUnknown:  "held_scope_unknown",
	HeldScopeMismatch: "held_scope_mismatch",
	HeldWithdrawn:     "held_withdrawn",
	HeldNotCentre:     "held_not_centre",
	HeldBoundary:      "held_boundary",
}

// String returns the name of v in lower snake case, as in the protocol, or
// verdict and the number.
func (v Verdict) String() string {
	if !v.Valid() {
		return fmt.Sprintf("verdict %d", uint8(v))
	}
	return verdictNames[v]
}

// ParseVerdict reads what String writes; its error wraps ErrUnreadable.
func ParseVerdict(s string) (Verdict, error) {
	i := slices.Index(verdictNames[:], s)
	if i < 1 {
		return 0, fmt.Errorf("verdict %q: %w", s, ErrUnreadable)
	}
	return Verdict(i), nil
}

// Valid reports whether v is one of the verdicts.
func (v Verdict) Valid() bool { return v >= Admitted && v <= HeldBoundary }

// Admitted reports whether the revision is part of its record.
func (v Verdict) Admitted() bool { return v == Admitted }

// Waiting reports whether the revision is stored but not yet received by its record.
func (v Verdict) Waiting() bool { return v == Waiting }

// Held reports whether the revision is received but not admitted.
func (v Verdict) Held() bool { return v >= HeldMalformed && v.Valid() }

// verdictOf returns the verdict with a number of the protocol.
func verdictOf(number uint64) (Verdict, error) {
	if number < uint64(Admitted) || number > uint64(HeldBoundary) {
		return 0, fmt.Errorf("verdict %d: %w", number, ErrUnreadable)
	}
	return Verdict(number), nil
}
