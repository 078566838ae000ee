// SPDX-License-Identifier: Apache-2.0

package care

import (
	"bytes"
	"testing"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func TestALinkIsTheSameFromBothSides(t *testing.T) {
	a, b, c := record.ID{15: 1}, record.ID{15: 2}, record.ID{15: 3}
	id := LinkID(a, b)
	if id != LinkID(b, a) || id == LinkID(a, c) || id == LinkID(a, a) {
		t.Errorf("ids %s %s %s", id, LinkID(b, a), LinkID(a, c))
	}
	if id.Kind() != KindResidentLink || !id.Valid() {
		t.Errorf("%s is no id of a link", id)
	}
	const frozen = "78d68721-debb-801e-b880-232869a63e25" // computed alike everywhere and for ever
	if id.String() != frozen {
		t.Errorf("id %s, want %s", id, frozen)
	}
	ruling := &carev1.LinkRuling{State: carev1.LinkState_LINK_STATE_LINKED, Basis: carev1.LinkBasis_LINK_BASIS_SYSTEM}
	one, other := NewLink(a, b, ruling), NewLink(b, a, ruling)
	if !proto.Equal(one, other) || !bytes.Equal(one.ResidentA, a[:]) || !bytes.Equal(one.ResidentB, b[:]) {
		t.Errorf("forms %v and %v", one, other)
	}
}

func TestAgreeWantsAllThreeGivenAndEqual(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(*carev1.Resident)
		want bool
	}{
		"all equal":      {func(*carev1.Resident) {}, true},
		"another phone":  {func(r *carev1.Resident) { r.Phone = "1" }, true},
		"another name":   {func(r *carev1.Resident) { r.Name = "李秀芳" }, false},
		"a padded name":  {func(r *carev1.Resident) { r.Name = " " + r.Name[:3] + "\u3000" + r.Name[3:] }, true},
		"another mother": {func(r *carev1.Resident) { r.IdentityDocument.MotherNumber = "130403195003150024" }, false},
		"an older writing of the mother's number": {func(r *carev1.Resident) { r.IdentityDocument.MotherNumber = "130403500315001" }, true},
		"no mother's number":                      {func(r *carev1.Resident) { r.IdentityDocument.MotherNumber = "" }, true},
		"no name on both":                         {func(r *carev1.Resident) { r.Name = "" }, false},
		"no birth date":                           {func(r *carev1.Resident) { r.BirthDate = 0 }, false},
		"another sex":                             {func(r *carev1.Resident) { r.Sex = carev1.Sex_SEX_MALE }, false},
		"unstated on both":                        {func(r *carev1.Resident) { r.Sex = 0 }, false},
	} {
		a, b := aResident(), aResident()
		for _, r := range []*carev1.Resident{a, b} {
			r.IdentityDocument = &carev1.IdentityDocument{MotherNumber: "130403195003150016"}
		}
		c.edit(b)
		if name == "unstated on both" {
			a.Sex = 0
		}
		if Agree(a, b) != c.want || Agree(b, a) != c.want {
			t.Errorf("%s: %t", name, Agree(a, b))
		}
	}
}
