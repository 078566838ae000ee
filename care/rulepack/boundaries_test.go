// SPDX-License-Identifier: Apache-2.0

package rulepack_test

import (
	"flag"
	"fmt"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
)

var boundaries = flag.Bool("boundaries", false, "move every threshold by one in each direction and want a test row to fail (some minutes)")

// Every row must hold in some test row and not hold in another.
func TestEveryRowIsTriedOnBothSides(t *testing.T) {
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	is, isNot := map[string]bool{}, map[string]bool{}
	note := func(in map[string]bool, ids []string) {
		for _, id := range ids {
			in[id] = true
		}
	}
	for _, row := range pack.Tests() {
		note(is, row.GetFindings())
		note(isNot, row.GetNoFindings())
		note(is, row.GetPopulations())
		note(isNot, row.GetNoPopulations())
		note(isNot, row.GetNoDue())
		for _, d := range row.GetDue() {
			is[d.GetId()] = true
		}
	}
	all := pack.Content()
	check := func(id string) {
		if !is[id] || !isNot[id] {
			t.Errorf("%s: holds in a test row %t, does not hold in another %t", id, is[id], isNot[id])
		}
	}
	for _, r := range all.GetRules() {
		if r.GetCheck() == 0 {
			check(r.GetId())
		}
	}
	for _, r := range all.GetPopulations() {
		check(r.GetId())
	}
	for _, r := range all.GetDue() {
		check(r.GetId())
	}
}

// A boundary has test rows on both sides iff moving it by one, up or down, fails a row.
func TestEveryThresholdHasTestRowsOnBothSides(t *testing.T) {
	if !*boundaries {
		t.Skip("takes minutes: go test ./care/rulepack -run EveryThreshold -boundaries")
	}
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, th := range pack.Content().GetThresholds() {
		if strings.HasPrefix(th.GetId(), "indicator_") || strings.HasPrefix(th.GetId(), "auth_") {
			continue // no expression reads it: care/indicators and care/authenticity try their numbers
		}
		t.Run(th.GetId(), func(t *testing.T) {
			for _, moved := range movedBy1(th) {
				if !isSeen(t, pack.Name(), moved) && unreachable[moved.how] == "" {
					t.Errorf("no test row sees %s", moved.how)
				}
			}
		})
	}
}

// isSeen reports whether a test row fails with a threshold moved.
func isSeen(t *testing.T, name string, moved movedThreshold) bool {
	t.Helper()
	text, err := prototext.Marshal(&carev1.RulePackContent{Extends: name, Thresholds: []*carev1.Threshold{moved.to}})
	if err != nil {
		t.Fatal(err)
	}
	pack, err := rulepack.Load(rules.Source{Name: "moved.txtpb", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return len(pack.Test()) > 0
}

// Moves that no form can show.
var unreachable = map[string]string{
	"self_care_meal_scores[1] -1":            "meals have no mild dependence",
	"self_care_meal_scores[1] +1":            "meals have no mild dependence",
	"self_care_dressing_scores[1] -1":        "dressing has no mild dependence",
	"self_care_dressing_scores[1] +1":        "dressing has no mild dependence",
	"alt_reference_x100[0] -1":               "nothing is below nothing",
	"ast_reference_x100[0] -1":               "nothing is below nothing",
	"total_bilirubin_reference_x100[0] -1":   "nothing is below nothing",
	"direct_bilirubin_reference_x100[0] -1":  "nothing is below nothing",
	"total_cholesterol_reference_x100[0] -1": "nothing is below nothing",
	"triglycerides_reference_x100[0] -1":     "nothing is below nothing",
	"ldl_reference_x100[0] -1":               "nothing is below nothing",
}

type movedThreshold struct {
	how string
	to  *carev1.Threshold
}

func movedBy1(th *carev1.Threshold) (out []movedThreshold) {
	for _, by := range []int64{-1, 1} {
		switch th.GetValue().(type) {
		case *carev1.Threshold_Number:
			to, _ := proto.Clone(th).(*carev1.Threshold)
			to.Value = &carev1.Threshold_Number{Number: th.GetNumber() + by}
			out = append(out, movedThreshold{fmt.Sprintf("%s %+d", th.GetId(), by), to})
		case *carev1.Threshold_Numbers:
			for i := range th.GetNumbers().GetValues() {
				to, _ := proto.Clone(th).(*carev1.Threshold)
				to.GetNumbers().Values[i] += by
				out = append(out, movedThreshold{fmt.Sprintf("%s[%d] %+d", th.GetId(), i, by), to})
			}
		}
	}
	return out
}
