// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

// A county's rules are at the centre at once and on every tablet after its next sync,
// and so is each later edition; without files the program's own come back.
func TestACountysRulesComeToEveryTablet(t *testing.T) {
	one, two := clinic(t)
	worksBy := func(s *shell, pack string) {
		t.Helper()
		tells(t, strings.Join(strings.Fields(s.ok("tablet", "status")), " "), "rules "+pack)
	}
	worksBy(one, "xunzhen 2026.1")
	tells(t, one.ok("rules", "publish", ruleFile(t, countyRules), "--author", "zhao"), "works by county 7 from now on")
	for _, s := range []*shell{one, two} {
		s.ok("tablet", "sync")
		worksBy(s, "county 7")
		s.ok("tablet", "sync")
		worksBy(s, "county 7")
	}
	tells(t, one.ok("rules", "publish", ruleFile(t, countyRules), "--author", "zhao"), "already")
	one.ok("rules", "publish", ruleFile(t, strings.Replace(countyRules, `"7"`, `"8"`, 1)), "--author", "zhao")
	two.ok("tablet", "sync")
	worksBy(two, "county 8")
	one.ok("rules", "publish", "--author", "zhao")
	two.ok("tablet", "sync")
	worksBy(two, "xunzhen 2026.1")
	one.fails(exitFailed, []string{"county.txtpb:3: Q999"}, "rules", "publish", ruleFile(t, strings.Replace(countyRules, "Q05", "Q999", 1)), "--author", "zhao")
}
