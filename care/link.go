// SPDX-License-Identifier: Apache-2.0

package care

import (
	"bytes"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// LinkID returns the id of the link between two residents, the same for (a, b)
// and (b, a): who finds the pair first, tablet or centre, saves the one record.
func LinkID(a, b record.ID) record.ID {
	a, b = sortedPair(a, b)
	return record.DerivedID(KindResidentLink, append(a[:], b[:]...))
}

// NewLink returns the form that says that a and b are one person, or are not.
func NewLink(a, b record.ID, ruling *carev1.LinkRuling) *carev1.ResidentLink {
	a, b = sortedPair(a, b)
	return &carev1.ResidentLink{ResidentA: a[:], ResidentB: b[:], Ruling: ruling}
}

// Agree reports whether two residents who bear the same number may be linked
// without asking a person: name, sex and birth date are given and the same, and neither
// has another mother's number than the other. Names are compared as NormaliseName has them.
func Agree(a, b *carev1.Resident) bool {
	return SameName(a, b) && sameMother(a.GetIdentityDocument(), b.GetIdentityDocument()) &&
		a.GetSex() != 0 && a.GetSex() == b.GetSex() &&
		a.GetBirthDate() != 0 && a.GetBirthDate() == b.GetBirthDate()
}

// SameName reports whether both have a name, and the same one.
func SameName(a, b *carev1.Resident) bool {
	name := NormaliseName(a.GetName())
	return name != "" && name == NormaliseName(b.GetName())
}

// sameMother reports whether two documents may be of children of one mother: that is known
// to be otherwise only where both name one.
func sameMother(a, b *carev1.IdentityDocument) bool {
	one, other := mothersKey(a), mothersKey(b)
	return one == "" || other == "" || one == other
}

func mothersKey(d *carev1.IdentityDocument) string {
	return MatchKey(&carev1.IdentityDocument{Number: d.GetMotherNumber()})
}

func sortedPair(a, b record.ID) (record.ID, record.ID) {
	if bytes.Compare(a[:], b[:]) > 0 {
		return b, a
	}
	return a, b
}
