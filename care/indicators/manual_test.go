// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"flag"
	"os"
	"slices"
	"testing"
)

var update = flag.Bool("update", false, "write the pages about indicators under docs/")

func TestTheManualIsWhatTheCodeSays(t *testing.T) {
	pack, err := ownPack()
	if err != nil {
		t.Fatal(err)
	}
	for name, chinese := range map[string]bool{"../../docs/indicators.en.md": false, "../../docs/indicators.zh.md": true} {
		page := Manual(pack, chinese)
		if *update {
			if err := os.WriteFile(name, []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if raw, err := os.ReadFile(name); err != nil || string(raw) != page {
			t.Errorf("%s is not what the code says now (%v): run `make manual` and commit the result", name, err)
		}
	}
}

// Every condition that fails somewhere stands in the manual, and every one of the manual fails somewhere.
func TestEveryReasonOfTheManualFailsSomewhere(t *testing.T) {
	s := settings(t)
	s.number[fulfilment], s.number[suspicionCounts] = 2, 1
	failed := map[Code][]string{}
	for _, file := range []string{"testdata/county.txt", "testdata/rows.txt", "testdata/reasons.txt"} {
		c := readRows(t, file)
		for _, q := range c.questions {
			for _, outcomes := range c.outcomesOf(q.ask, s) {
				for _, o := range outcomes {
					for _, f := range o.Failed {
						failed[o.Code] = append(failed[o.Code], f.ID)
					}
				}
			}
		}
	}
	for _, one := range All() {
		var listed []string
		for _, r := range Reasons(one.Code) {
			listed = append(listed, r.ID)
			if len(one.Code) < 4 && !slices.Contains(failed[one.Code], r.ID) {
				t.Errorf("%s %s stands in the manual and fails nowhere", one.Code, r.ID)
			}
			if r.ZH == "" || r.EN == "" {
				t.Errorf("%s %s has no words", one.Code, r.ID)
			}
		}
		for _, id := range failed[one.Code] {
			if !slices.Contains(listed, id) {
				t.Errorf("%s fails by %s, which the manual does not know", one.Code, id)
			}
		}
	}
}
