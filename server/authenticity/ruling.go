// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/authenticity"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Ruling returns the save that rules on a finding: of a new record with the finding's id, or over
// the registers of the one there is. A new one stands in the smallest division that all the
// finding's records in the author's sight have in common.
func Ruling(f *officev1.AuthenticityFinding, shown []record.Register, decision carev1.AuthenticityDecision, reason string, on care.Date) (syncengine.OfficeSave, error) {
	id := record.ID(f.GetId())
	changes, err := care.Diff(authenticity.KindRuling, shown, &carev1.AuthenticityRuling{
		RuledOn: int32(on), RuleId: f.GetRuleId(), DoctorId: f.GetDoctorId(), Decision: decision, Reason: reason, EvidenceSha256: f.GetEvidenceSha256(),
	})
	if err != nil {
		return syncengine.OfficeSave{}, err
	}
	alive := record.Change{Path: record.PathLife, Value: record.Active()}
	for _, g := range shown {
		if g.Path == record.PathLife {
			alive.Parents = g.Parents()
		}
	}
	changes = append(changes, alive)
	if len(shown) == 0 {
		changes = append(changes, record.Change{Path: record.PathScope, Value: record.Of([]byte(care.FullCode(commonDivision(f.GetDivisions()))))})
	}
	return syncengine.OfficeSave{Record: id, Changes: changes}, nil
}

// commonDivision returns the longest code of a level that all begin with.
func commonDivision(divisions []string) record.Division {
	if len(divisions) == 0 {
		return ""
	}
	common := divisions[0]
	for _, d := range divisions[1:] {
		n := 0
		for n < len(common) && n < len(d) && common[n] == d[n] {
			n++
		}
		common = common[:n]
	}
	return care.Above(record.Division(common), care.LevelOf(record.Division(common)))
}
