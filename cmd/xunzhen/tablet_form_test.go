// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

// Whoever writes a form by hand finds every field, its codes and how a date is
// written, without a tablet.
func TestFormTellsItsFields(t *testing.T) {
	s := newShell(t)
	out := s.ok("tablet", "form", "resident", "--lang", "en")
	for _, want := range []string{"birth_date ", "20261122", "SEX_MALE (male)", "identity_document.number "} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not said in\n%s", want, out)
		}
	}
	if out := s.ok("tablet", "form", "checkup", "--lang", "zh"); !strings.Contains(out, "日期") {
		t.Error(out)
	}
	for _, line := range strings.Split(out, "\n") {
		if len([]rune(line)) > formColumns {
			t.Errorf("too wide: %s", line)
		}
	}
	s.fails(1, []string{"xunzhen tablet form"}, "tablet", "form", "prescription", "--lang", "en")
}
