// SPDX-License-Identifier: Apache-2.0

package xunzhen_test

import (
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every test that SECURITY.md names is there. With CI set, every fuzz target must stand in
// its list of decoders, too.
func TestSecurityNamesTestsThatExist(t *testing.T) {
	text, err := os.ReadFile("SECURITY.md")
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(namedClasses(t))) {
		there[strings.TrimPrefix(path.Ext(name), ".")] = true
	}
	named := map[string]bool{}
	for _, name := range regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`").FindAllStringSubmatch(string(text), -1) {
		if named[name[1]] = true; !there[name[1]] {
			t.Errorf("SECURITY.md names %s, which is no test", name[1])
		}
	}
	for name := range there {
		if strings.HasPrefix(name, "Fuzz") && !named[name] {
			complain := t.Logf
			if os.Getenv("CI") != "" {
				complain = t.Errorf
			}
			complain("%s stands not in SECURITY.md: add it to the row of who reaches what it decodes", name)
		}
	}
	if len(named) < 80 {
		t.Errorf("SECURITY.md names %d tests only", len(named))
	}
}
