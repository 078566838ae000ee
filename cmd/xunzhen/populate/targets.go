// SPDX-License-Identifier: Apache-2.0

package populate

import (
	"context"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// aims are what the county is to reach each year, in percent, and the points that it gives: a hundred in all. They are
// invented, as everything here.
var aims = []struct {
	code    string
	percent int64
	points  int64
}{
	{"S02", 92, 10},
	{"S23", 80, 10},
	{"O00", 65, 12},
	{"O02", 55, 6},
	{"T01", 75, 8},
	{"H01", 60, 14},
	{"H02", 55, 8},
	{"D01", 60, 12},
	{"D02", 50, 6},
	{"C01", 65, 4},
	{"G02", 60, 6},
	{"X01", 85, 4},
}

// targets has the bureau set what the county is to reach in each year of the plan. They are the centre's own saves, since
// no tablet may set any; those that are there stay.
func (w *writing) targets(ctx context.Context) error {
	scope := care.FullCode(record.Division(w.county.plan.County))
	for year := w.county.begins.Year(); year <= w.county.ends.Year(); year++ {
		var saves []syncengine.OfficeSave
		for _, a := range aims {
			m := &carev1.AssessmentTarget{
				SetterId: bureauStaff, DivisionCode: string(scope), IndicatorCode: a.code, Year: proto.Int32(int32(year)), Remark: "演示",
				Score: &carev1.TargetScore{
					BaselineX100: proto.Int64(a.percent * 100), WeightX100: proto.Int64(a.points * 100),
					Algorithm: carev1.ScoreAlgorithm_SCORE_ALGORITHM_EGT, Denominator: carev1.TargetDenominator_TARGET_DENOMINATOR_LIVE,
				},
			}
			if err := indicators.CheckTarget(m); err != nil {
				return err
			}
			id := indicators.TargetID(m)
			if there, err := w.at.Engine.Rows(ctx, []record.ID{id}); err != nil || len(there) > 0 {
				return err // all of a year are set together
			}
			changes, err := care.Diff(id.Kind(), nil, m)
			if err != nil {
				return err
			}
			saves = append(saves, syncengine.OfficeSave{Record: id, Changes: append(changes, record.Change{Path: record.PathScope, Value: record.Of([]byte(scope))})})
		}
		if _, err := w.at.Engine.Save(ctx, bureauStaff, saves...); err != nil {
			return err
		}
	}
	return nil
}
