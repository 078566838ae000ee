// SPDX-License-Identifier: Apache-2.0

package care

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// 老年人生活自理能力评估表: what each degree counts. A degree that the form leaves out of an
// item is -1.
func TestSelfCareItemsHaveThePointsOfTheForm(t *testing.T) {
	degrees := []string{"可自理", "轻度依赖", "中度依赖", "不能自理"}
	items := (*carev1.SelfCareScores)(nil).ProtoReflect().Descriptor().Fields()
	most := 0
	for item, points := range map[protoreflect.Name][4]int{
		"meal": {0, -1, 3, 5}, "washing": {0, 1, 3, 7}, "dressing": {0, -1, 3, 5}, "toilet": {0, 1, 5, 10}, "moving": {0, 1, 5, 10},
	} {
		codes := items.ByName(item).Enum().Values()
		for i, want := range points {
			v := codes.ByNumber(protoreflect.EnumNumber(i + 1))
			if (v == nil) != (want < 0) {
				t.Errorf("%s: has the degree %s: %t", item, degrees[i], v != nil)
			} else if v != nil && codeOptions(v).GetZh() != fmt.Sprintf("%s（%d分）", degrees[i], want) {
				t.Errorf("%s, degree %d: %q, want %s with %d", item, i+1, codeOptions(v).GetZh(), degrees[i], want)
			}
		}
		most += points[3]
	}
	if o := fieldOptions(items.ByName("total_score")); o.GetHard().GetMax() != int64(most) || len(o.GetDerivedFrom()) != 5 {
		t.Errorf("the total goes to %d and is made from %v, want %d from the five items", o.GetHard().GetMax(), o.GetDerivedFrom(), most)
	}
}
