// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestFactsInALogAreANumber(t *testing.T) {
	p := readCounty(t).persons[0]
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("looked", "facts", p.facts(p.entries))
	if !strings.Contains(out.String(), "facts=6") || strings.Contains(out.String(), "431124") {
		t.Errorf("logged: %s", out.String())
	}
}
