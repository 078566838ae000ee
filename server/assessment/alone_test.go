// SPDX-License-Identifier: Apache-2.0

package assessment_test

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/server/assessment"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// The law: what a figure says does not depend on which others are asked for beside it.
func TestAFigureIsTheSameAloneAndAmongAll(t *testing.T) {
	w := newWorld(t)
	for i := range 9 {
		one := w.register(fmt.Sprintf("王试%d", i), village, "d1", 19500101)
		w.visit(one, village, 20260305, 138)
		for year := int32(2025); year <= 2026; year++ {
			if i >= int(2027-year)*2 {
				continue
			}
			w.put(record.DerivedID(31, fmt.Appendf(nil, "%d/%d", i, year)), 31, &carev1.Contract{
				SignedOn: year*10000 + 201, Status: carev1.FormStatus_FORM_STATUS_SUBMITTED, DoctorId: "d1", State: carev1.ContractState_CONTRACT_STATE_SIGNED,
				Term: &carev1.ContractTerm{Since: year*10000 + 201, Until: year*10000 + 1231},
			}, about(one), scope(village))
		}
	}
	for year := int32(2025); year <= 2026; year++ {
		w.put(record.DerivedID(45, fmt.Appendf(nil, "%d", year)), 45, &carev1.Statistic{
			Status: carev1.FormStatus_FORM_STATUS_SUBMITTED, DivisionCode: string(care.FullCode(countyCode)), Year: proto.Int32(year),
			Code: carev1.StatisticCode_STATISTIC_CODE_RESIDENT_POPULATION, Value: &carev1.StatisticValue{ValueX1000: proto.Int64(int64(year-2000) * 1000), Source: 1},
		}, scope(string(care.FullCode(countyCode))))
	}
	w.follow()
	byStatistic := 0
	for _, level := range []assessment.Level{assessment.County, assessment.Township, assessment.Village, assessment.Doctor} {
		all, err := w.a.Figures(t.Context(), w.query(level), quiet)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range indicators.All() {
			alone, err := w.a.Figures(t.Context(), w.query(level, one.Code), quiet)
			if err != nil {
				t.Fatal(err)
			}
			among := map[assessment.Unit]assessment.Figure{}
			for _, f := range all.Figures {
				if f.Code == one.Code {
					among[f.Unit] = f
				}
			}
			for _, f := range alone.Figures {
				got, ok := among[f.Unit]
				got.Rank, f.Rank = 0, 0 // a place is one among the units that are listed
				if ok && fmt.Sprint(got) != fmt.Sprint(f) {
					t.Errorf("%s of %v: alone %+v, among all %+v", one.Code, f.Unit, f, got)
				}
				if f.ByStatistic && one.Derived == indicators.PointsOf {
					byStatistic++
					if !f.StatisticX1000.OK {
						t.Errorf("%s of %v does not say which statistic it is by", one.Code, f.Unit)
					}
				}
			}
		}
	}
	if byStatistic == 0 {
		t.Error("no rise is by a statistic: the test has become weak")
	}
}
