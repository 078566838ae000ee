// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"crypto/sha256"
	"errors"
	"fmt"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// The kinds of this package's records.
const (
	KindRound         record.Kind = 56
	KindRectification record.Kind = 57
	KindVerification  record.Kind = 43
)

// ErrPlan is wrapped when a plan cannot be drawn by.
var ErrPlan = errors.New("no plan of a round")

// RoundID returns the id of a round, the same for everybody; county is the county's 6-digit
// code, code what the county calls the round.
func RoundID(county, code string) record.ID {
	return record.DerivedID(KindRound, []byte("supervision_round/"+county+"/"+code))
}

// VerificationID returns the id of the check of somebody who was drawn.
func VerificationID(round record.ID, s Stratum, id record.ID) record.ID {
	sum := sha256.Sum256([]byte(s))
	return record.DerivedID(KindVerification, []byte("verification/"+round.String()+"/"+id.String()+"/"+string(sum[:])))
}

// RectificationID returns the id of a rectification, the same whenever it is made of the same
// fault: of a record or a person, from a source, for a rule or a check.
func RectificationID(about record.ID, source carev1.RectificationSource, from string) record.ID {
	return record.DerivedID(KindRectification, fmt.Appendf(nil, "rectification/%s/%d/%s", about, source, from))
}

// Numbers of a village round and of limits.
const (
	villageRecords = 5  // of each of the three. Source: 柴湖镇村级督导记录表, rules.md §5.3 [C:P7].
	villageContact = 50 // per cent called or visited at least. Source: as above [C:P7].

	maxStrata    = 32
	maxSize      = 1000
	maxDivisions = 400
	maxCode      = 40
)

// VillageRound returns the plan of a village round: in each village 5 archives on paper, 5 in the
// system and 5 people of the key population, half of them called or visited.
func VillageRound(from, to care.Date, divisions ...record.Division) *carev1.SupervisionPlan {
	p := &carev1.SupervisionPlan{FromOn: int32(from), ToOn: int32(to), ContactPercent: proto.Int32(villageContact)}
	for _, d := range divisions {
		p.Divisions = append(p.Divisions, string(d))
	}
	for _, group := range []carev1.SupervisionGroup{
		carev1.SupervisionGroup_SUPERVISION_GROUP_ARCHIVE,
		carev1.SupervisionGroup_SUPERVISION_GROUP_ELECTRONIC_ARCHIVE,
		carev1.SupervisionGroup_SUPERVISION_GROUP_KEY_POPULATION,
	} {
		p.Strata = append(p.Strata, &carev1.SupervisionStratum{
			Group: group, Unit: carev1.SupervisionUnit_SUPERVISION_UNIT_VILLAGE, Size: proto.Int32(villageRecords),
		})
	}
	return p
}

// CheckPlan reports what is wrong with a plan; each error wraps ErrPlan and says what to do.
func CheckPlan(p *carev1.SupervisionPlan) error {
	from, to := care.Date(p.GetFromOn()), care.Date(p.GetToOn())
	switch {
	case !from.Whole() || !to.Whole():
		return fmt.Errorf("%w: the period needs a first and a last day", ErrPlan)
	case to < from:
		return fmt.Errorf("%w: the period ends on %s, before it begins on %s", ErrPlan, to, from)
	case len(p.GetDivisions()) == 0 || len(p.GetDivisions()) > maxDivisions:
		return fmt.Errorf("%w: %d divisions; name 1 to %d, or a code that has them all", ErrPlan, len(p.GetDivisions()), maxDivisions)
	case len(p.GetStrata()) == 0 || len(p.GetStrata()) > maxStrata:
		return fmt.Errorf("%w: %d strata; name 1 to %d", ErrPlan, len(p.GetStrata()), maxStrata)
	case p.GetContactPercent() < 0 || p.GetContactPercent() > 100:
		return fmt.Errorf("%w: %d of a hundred to be called or visited", ErrPlan, p.GetContactPercent())
	}
	for _, d := range p.GetDivisions() {
		if !record.Division(d).ValidPrefix() {
			return fmt.Errorf("%w: %q is no beginning of a division code", ErrPlan, d)
		}
	}
	return checkStrata(p.GetStrata())
}

func checkStrata(strata []*carev1.SupervisionStratum) error {
	type what struct {
		group carev1.SupervisionGroup
		unit  carev1.SupervisionUnit
	}
	seen := map[what]bool{}
	for i, s := range strata {
		one := what{s.GetGroup(), s.GetUnit()}
		_, group := carev1.SupervisionGroup_name[int32(one.group)]
		_, unit := carev1.SupervisionUnit_name[int32(one.unit)]
		switch {
		case !group || one.group == 0:
			return fmt.Errorf("%w: stratum %d names no group", ErrPlan, i+1)
		case !unit || one.unit == 0:
			return fmt.Errorf("%w: stratum %d names no unit", ErrPlan, i+1)
		case s.GetSize() < 1 || s.GetSize() > maxSize:
			return fmt.Errorf("%w: stratum %d draws %d; 1 to %d can be drawn in a unit", ErrPlan, i+1, s.GetSize(), maxSize)
		case seen[one]:
			return fmt.Errorf("%w: stratum %d says again what an earlier one says; give one size", ErrPlan, i+1)
		}
		seen[one] = true
	}
	return nil
}

// CheckCode reports whether a round or a set of tasks may be called so: letters, digits, and
// - _ . between them, at most 40.
func CheckCode(code string) bool {
	if code == "" || len(code) > maxCode {
		return false
	}
	for _, r := range code {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_', r == '.':
		default:
			return false
		}
	}
	return true
}
