// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const countyRules = `
name: "county" version: "7" extends: "xunzhen"
changes { id: "Q05" off: true source { document: "d" section: "s" mark: SOURCE_MARK_PROPOSED } }
`

func ruleFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "county.txtpb")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestRulesAreCheckedShownAndTriedWithoutAServer(t *testing.T) {
	s := newShell(t)
	if out := s.ok("rules", "check"); !strings.Contains(out, "xunzhen 2026.1 is in order") || !strings.Contains(out, "SHA-256") {
		t.Error(out)
	}
	if out := s.ok("rules", "show"); !strings.Contains(out, "\nQ05 ") || !strings.Contains(out, "systolic_target") {
		t.Error(out)
	}
	if out := s.ok("rules", "show", "Q05", "--lang=zh"); !strings.Contains(out, "收缩压 {s} mmHg 不高于舒张压") || !strings.Contains(out, "来源：") || !strings.Contains(out, "when:") {
		t.Error(out)
	}
	if out := s.ok("rules", "test", "--lang=zh"); !strings.Contains(out, "条测试用例符合预期") {
		t.Error(out)
	}
	s.fails(exitFailed, []string{"Q999"}, "rules", "show", "Q999")
	s.fails(exitFailed, []string{"nowhere.txtpb"}, "rules", "check", "nowhere.txtpb")
}

func TestRulesOfACountyAreLaidOverThoseOfTheProgram(t *testing.T) {
	s := newShell(t)
	county := ruleFile(t, countyRules)
	if out := s.ok("rules", "check", county); !strings.Contains(out, "county 7 is in order") {
		t.Error(out)
	}
	if out := s.ok("rules", "show", "Q05", "--over", county); !strings.Contains(out, "(off)") {
		t.Error(out)
	}
	s.fails(exitFailed, nil, "rules", "test", county) // rows expect Q05
	wrong := ruleFile(t, strings.Replace(countyRules, "Q05", "Q999", 1))
	s.fails(exitFailed, []string{"county.txtpb:3: Q999", "1 "}, "rules", "check", wrong)
	s.fails(exitFailed, []string{"county.txtpb:1:"}, "rules", "check", ruleFile(t, "rules {"))
}
