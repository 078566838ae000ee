// SPDX-License-Identifier: Apache-2.0

package care

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// 老年人中医药健康管理服务记录表: the questions that each score is the sum of. The balanced one
// takes question 1 as it is and turns the others round.
var tcmScores = map[protoreflect.Name][]int{
	"qi_deficiency": {2, 3, 4, 14}, "yang_deficiency": {11, 12, 13, 29}, "yin_deficiency": {10, 21, 26, 31}, "phlegm_dampness": {9, 16, 28, 32},
	"damp_heat": {23, 25, 27, 30}, "blood_stasis": {19, 22, 24, 33}, "qi_stagnation": {5, 6, 7, 8}, "special": {15, 17, 18, 20},
	"balanced": {1, 2, 4, 5, 13},
}

func TestEveryTcmScoreIsMadeFromItsQuestions(t *testing.T) {
	fields := (*carev1.TcmAssessment)(nil).ProtoReflect().Descriptor().Fields()
	var scores []string
	for name, questions := range tcmScores {
		score, result := fields.ByName(name+"_score"), fields.ByName(name+"_result")
		var want []string
		for _, q := range questions {
			want = append(want, string(fields.ByNumber(protoreflect.FieldNumber(q)).Name()))
		}
		o := fieldOptions(score)
		if got := o.GetDerivedFrom(); !slices.Equal(got, want) {
			t.Errorf("%s: made from %v, want %v", score.Name(), got, want)
		}
		if n := int64(len(questions)); o.GetHard().GetMin() != n || o.GetHard().GetMax() != 5*n {
			t.Errorf("%s: %d answers of 1 to 5 sum up to %v", score.Name(), n, o.GetHard())
		}
		if got := fieldOptions(result).GetDerivedFrom(); !slices.Contains(got, string(score.Name())) {
			t.Errorf("%s: made from %v", result.Name(), got)
		}
		scores = append(scores, string(score.Name()))
	}
	balanced := slices.Sorted(slices.Values(fieldOptions(fields.ByName("balanced_result")).GetDerivedFrom()))
	if slices.Sort(scores); !slices.Equal(balanced, scores) {
		t.Errorf("who is balanced is made from %v, want every score", balanced)
	}
}

func TestTcmQuestionsHaveTheNumbersOfTheForm(t *testing.T) {
	fields := (*carev1.TcmAssessment)(nil).ProtoReflect().Descriptor().Fields()
	for q := 1; q <= 33; q++ {
		f := fields.ByNumber(protoreflect.FieldNumber(q))
		if f == nil || !strings.HasPrefix(string(f.Name()), fmt.Sprintf("q%d_", q)) || !strings.HasPrefix(fieldOptions(f).GetZh(), fmt.Sprintf("（%d）", q)) {
			t.Errorf("question %d is %v", q, f)
			continue
		}
		for answer := range protoreflect.EnumNumber(6) {
			if f.Enum().Values().Len() != 6 || f.Enum().Values().ByNumber(answer) == nil {
				t.Errorf("question %d: answers are not 1 to 5", q)
			}
		}
	}
}

func TestTcmAdviceIsGivenForEachConstitution(t *testing.T) {
	fields := (*carev1.TcmGuidance)(nil).ProtoReflect().Descriptor().Fields()
	for name := range tcmScores {
		if fields.ByName(name) == nil || fields.Len() != len(tcmScores) {
			t.Errorf("no advice for %s among %d", name, fields.Len())
		}
	}
}
