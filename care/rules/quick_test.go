// SPDX-License-Identifier: Apache-2.0

package rules_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
)

func TestWhatIsQuickIsWhatCELSays(t *testing.T) {
	pack := ownPack(t)
	left, open, total := map[string]int{}, 0, 0
	compare := func(name string, person *rules.Person, form rules.Entry, asOf care.Date) {
		differ, l, n := pack.QuickAgainstCEL(person, form, asOf)
		for _, d := range differ {
			t.Errorf("%s: %s", name, d)
		}
		for id, n := range l {
			left[id] += n
			open += n
		}
		total += n
	}
	for _, row := range pack.Tests() {
		subject, entries, err := pack.Case(row)
		if err != nil {
			t.Fatal(err)
		}
		compare(row.GetName(), rules.NewPerson(subject, entries), entries[len(entries)-1], care.Date(row.GetAsOf()))
	}
	for kind, typ := range care.Types() {
		for _, n := range []int64{-1 << 31, -1, 0, 1, 2, 1<<31 - 1} {
			form := typ.New()
			extreme(form, n, 0)
			compare("a form full of numbers", nobody, entry(kind, 1, form.Interface()), today)
		}
	}
	t.Logf("%d of %d evaluations are left to CEL", open, total)
	for _, id := range slices.SortedFunc(maps.Keys(left), func(a, b string) int { return left[b] - left[a] })[:min(len(left), 25)] {
		t.Logf("%5d %s", left[id], id)
	}
	if open > total/10 {
		t.Errorf("CEL does the work: %d of %d are left to it", open, total)
	}
}
