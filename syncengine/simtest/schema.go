// SPDX-License-Identifier: Apache-2.0

package simtest

import (
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// The kinds of this county.
const (
	// KindPerson is general: three plain fields, a map, a section whose fields merge
	// one by one, a group.
	KindPerson record.Kind = 100
	// KindSecret is sensitive.
	KindSecret record.Kind = 101
	// KindNovel is general, and at first only some tablets know it.
	KindNovel record.Kind = 102
)

// The registers that people fill in.
var (
	FieldName    = record.Field(1)
	FieldPhone   = record.Field(2)
	FieldAddress = record.Field(3)
	fieldDrugs   = record.Field(4) // a map: registers are its entries
	FieldDrugA   = fieldDrugs.Key("a")
	FieldDrugB   = fieldDrugs.Key("bb")
	fieldSection = record.Field(5) // merges field by field
	FieldPulse   = fieldSection.Field(1)
	FieldWeight  = fieldSection.Field(2)
	FieldTension = record.Field(6) // a group: both numbers or none
	FieldNewer   = record.Field(9) // a newer tablet's field: no build here knows it
)

var fields = []record.Path{
	FieldName, FieldPhone, FieldAddress, FieldDrugA, FieldDrugB, FieldPulse, FieldWeight, FieldTension, FieldNewer,
}

// wrongCuts are known fields cut elsewhere than at their register.
var wrongCuts = []record.Path{fieldDrugs, fieldSection, FieldTension.Field(1), FieldName.Key("x"), FieldPulse.Field(3)}

// Villages of two townships in one county.
const (
	County    record.Division = "110101"
	TownshipA record.Division = "110101001"
	TownshipB record.Division = "110101002"
	VillageA1 record.Division = "110101001001"
	VillageA2 record.Division = "110101001002"
	VillageB1 record.Division = "110101002001"
)

var villages = []record.Division{VillageA1, VillageA2, VillageB1}

// schema is what the builds of this county know.
type schema struct{ novel bool }

func newSchema() *schema { return &schema{} }

// Lookup returns a kind as the present build knows it.
func (s *schema) Lookup(k record.Kind) (record.KindInfo, bool) {
	info := record.KindInfo{Kind: k, Name: "person", Class: record.ClassGeneral, Boundary: boundary}
	switch {
	case k == KindPerson:
	case k == KindSecret:
		info.Name, info.Class = "secret", record.ClassSensitive
	case k == KindNovel && s.novel:
		info.Name = "novel"
	default:
		return record.KindInfo{}, false
	}
	return info, true
}

func boundary(p record.Path) record.Boundary {
	steps, err := p.Steps()
	if err != nil {
		return record.BoundaryWrong
	}
	register := 1 // steps of a register
	switch steps[0].Number {
	case 4, 5:
		register = 2
	case 1, 2, 3, 6:
	default:
		return record.BoundaryUnknown
	}
	if len(steps) != register || steps[0].Number == 4 != steps[len(steps)-1].IsKey {
		return record.BoundaryWrong
	}
	return record.BoundaryExact
}
