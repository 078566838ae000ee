// SPDX-License-Identifier: Apache-2.0

package words_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
	"github.com/xunzhen/xunzhen/syncengine/evidence"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/tablet"
	"github.com/xunzhen/xunzhen/transport"
)

func both() []*words.Words { return []*words.Words{words.In(words.English), words.In(words.Chinese)} }

func TestBothCataloguesHaveTheSameKeys(t *testing.T) {
	en, zh := both()[0], both()[1]
	for _, key := range en.Keys() {
		if !zh.Has(key) {
			t.Errorf("zh.txt lacks %s", key)
		}
	}
	for _, key := range zh.Keys() {
		if !en.Has(key) {
			t.Errorf("en.txt lacks %s", key)
		}
	}
	if len(en.Keys()) < 200 {
		t.Errorf("only %d keys: the catalogue was not read", len(en.Keys()))
	}
}

func TestTextsTakeTheSameArgumentsInBothLanguages(t *testing.T) {
	en, zh := both()[0], both()[1]
	for _, key := range en.Keys() {
		if a, b := verbs(en.Say(key)), verbs(zh.Say(key)); !slices.Equal(a, b) {
			t.Errorf("%s takes %v in English and %v in Chinese", key, a, b)
		}
	}
}

var verb = regexp.MustCompile(`%(\[\d+\])?[.\d]*[a-z]`)

func verbs(text string) []string { return verb.FindAllString(text, -1) }

func TestEveryEntryOfACatalogueIsReadAsOne(t *testing.T) {
	for _, lang := range []words.Language{words.English, words.Chinese} {
		file, err := os.ReadFile(string(lang) + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for i, line := range strings.Split(string(file), "\n") {
			if line == "" || strings.HasPrefix(line, "#") || strings.HasPrefix(line, "\t") {
				continue
			}
			key, _, ok := strings.Cut(line, " = ")
			if !ok || seen[key] {
				t.Errorf("%s.txt line %d is no entry, or is there twice: %q", lang, i+1, line)
			}
			seen[key] = true
		}
	}
}

// used finds keys in the program's own source.
var used = regexp.MustCompile(`(?:[sS]ay|line|note|problemf)\("([a-z_]+)"|key: +"([a-z_]+)"|help:"(help_[a-z_]+)"`)

func TestEveryKeyThatTheProgramNamesIsThere(t *testing.T) {
	en, n := both()[0], 0
	for path, source := range sources(t) {
		for _, m := range used.FindAllStringSubmatch(source, -1) {
			key := m[1] + m[2] + m[3]
			if strings.Contains(path, "/demo/") {
				key = "demo_" + key
			}
			n++
			if strings.HasSuffix(key, "_") {
				continue // the rest is made at run time; see the next test
			}
			if !en.Has(key) {
				t.Errorf("%s says %s, which no catalogue has", path, key)
			}
		}
	}
	if n < 150 {
		t.Errorf("only %d keys seen: the search is broken", n)
	}
}

func TestWhatIsLookedUpByNameIsThere(t *testing.T) {
	en := both()[0]
	need := func(key string) {
		t.Helper()
		if !en.Has(key) {
			t.Errorf("no text for %s", key)
		}
	}
	for number := range syncv1.Reason_name {
		if r := syncv1.Reason(number); r != syncv1.Reason_REASON_UNSPECIFIED {
			need("reason_" + transport.ReasonName(r))
		}
	}
	for v := ledger.Verdict(1); v.Valid(); v++ {
		if !v.Admitted() {
			need("verdict_" + v.String())
		}
	}
	for _, s := range []string{
		tablet.StateTablet, tablet.StateClinic, tablet.StateCentre, tablet.StateBackedUp, tablet.StateHeld, tablet.StateReceived,
	} {
		need("state_" + s)
	}
	for _, w := range []string{
		tablet.WarnRewritten, tablet.WarnRolledBack, tablet.WarnEpochBehind, tablet.WarnForked, tablet.WarnRevoked, tablet.WarnHeld, tablet.WarnReturned, tablet.WarnRules, tablet.WarnNewKey, tablet.WarnLowSpace,
		tablet.WarnNoBackup, tablet.WarnNotEnrolled,
	} {
		need("warn_" + w)
	}
	for _, s := range []string{tablet.SeverityError, tablet.SeverityWarning, tablet.SeveritySuspicion, tablet.SeverityInfo} {
		need("severity_" + s)
	}
	for s := care.StageDraft; s.String() != ""; s++ {
		need("stage_" + s.String())
	}
	for level := range care.ReviewCounty + 1 {
		need(fmt.Sprintf("level_%d", level))
	}
	for _, c := range evidence.Claims() {
		need("claim_" + c.String())
	}
	for _, k := range []evidence.ActKind{evidence.ActFence, evidence.ActRelease, evidence.ActWithdrawal, evidence.ActErasure} {
		need("act_" + k.String())
	}
	for _, r := range []segment.Role{segment.RoleCentre, segment.RoleTablet, segment.RoleHub} {
		need("role_" + r.String())
	}
	for n, name := range syncv1.LinkReason_name {
		if n > 0 {
			need(strings.ToLower(name))
		}
	}
	for _, mark := range []string{"confirmed", "known", "proposed"} {
		need("rules_mark_" + mark)
	}
	for _, name := range carev1.Severity_name {
		need("rules_severity_" + strings.ToLower(strings.TrimPrefix(name, "SEVERITY_")))
	}
	for i := range 12 {
		need(fmt.Sprintf("invariant_I%d", i+1))
	}
}

// tabletReasons finds the reasons in the tablet's own table.
var tabletReasons = regexp.MustCompile(`(?m)^\t\t\{"([a-z_]+)", `)

func TestEveryReasonOfATabletHasAText(t *testing.T) {
	source, err := os.ReadFile("../../../tablet/errors.go")
	if err != nil {
		t.Fatal(err)
	}
	found := tabletReasons.FindAllStringSubmatch(string(source), -1)
	if len(found) < 30 {
		t.Fatalf("only %d reasons seen: the search is broken", len(found))
	}
	for _, m := range found {
		if !both()[0].Has("reason_" + m[1]) {
			t.Errorf("no text for reason_%s", m[1])
		}
	}
}

func TestNoTextIsLeftOver(t *testing.T) {
	all := ""
	for _, source := range sources(t) {
		all += source
	}
	// Prefixes of what is looked up by name.
	made := []string{"claim_", "act_", "role_", "reason_", "verdict_", "state_", "warn_", "kind_", "stage_", "level_", "invariant_", "more_", "sync_", "save_warning_", "link_reason_", "severity_", "rules_mark_", "rules_severity_", "doubt_", "rectify_action_", "rectify_state_", "supervise_contact_", "supervise_standard_", "supervise_truth_", "supervise_problem_", "task_fault_", "import_why_", "import_doubt_", "import_file_", "problem_report_", "report_because_", "report_missing_", "page_", "plan_first_"}
	for _, key := range both()[0].Keys() {
		inDemo := strings.TrimPrefix(key, "demo_")
		inChapter := strings.TrimSuffix(strings.TrimPrefix(inDemo, "end_"), "_text")
		said := slices.ContainsFunc(made, func(p string) bool { return strings.HasPrefix(key, p) }) ||
			strings.Contains(all, "{"+key+"}") ||
			slices.ContainsFunc([]string{key, inDemo, inChapter}, func(s string) bool { return strings.Contains(all, `"`+s+`"`) })
		if !said {
			t.Errorf("nobody says %s", key)
		}
	}
}

// sources are the Go files of the commands, without tests.
func sources(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		out[filepath.ToSlash(path)] = string(source)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestChoose(t *testing.T) {
	for _, test := range []struct {
		name string
		flag string
		env  map[string]string
		want words.Language
	}{
		{"nothing said", "", nil, words.English},
		{"the flag before the environment", "zh", map[string]string{"LANG": "en_GB.UTF-8"}, words.Chinese},
		{"LANG", "", map[string]string{"LANG": "zh_CN.UTF-8"}, words.Chinese},
		{"LC_ALL before LANG", "", map[string]string{"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, words.English},
		{"an unknown flag", "fr", map[string]string{"LANG": "zh_TW"}, words.Chinese},
		{"another language", "", map[string]string{"LANG": "de_DE"}, words.English},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := words.Choose(test.flag, func(k string) string { return test.env[k] }); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

func TestAnUnknownKeyIsSaidItself(t *testing.T) {
	if got := both()[0].Say("no_such_key", 1); got != "no_such_key" {
		t.Errorf("%q", got)
	}
}
