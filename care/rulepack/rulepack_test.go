// SPDX-License-Identifier: Apache-2.0

package rulepack_test

import (
	"slices"
	"testing"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
)

func TestThePackDoesWhatItsTestRowsSay(t *testing.T) {
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range pack.Test() {
		t.Error(err)
	}
	t.Logf("%s %s: %d rules, %d test rows", pack.Name(), pack.Version(), len(pack.Rules()), len(pack.Tests()))
}

func TestThePackHasRoomInARecord(t *testing.T) {
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	form, err := pack.Record()
	if err != nil {
		t.Fatal(err)
	}
	carried, err := rules.LoadRecord(form)
	if err != nil {
		t.Fatal(err)
	}
	if carried.Hash() != pack.Hash() || carried.Tests() != nil {
		t.Error("the carried pack is another one, or carries test rows")
	}
	t.Logf("%d bytes, %d compressed", len(pack.Bytes()), len(form.GetRules().GetContentZstd()))
}

func TestACountyChoosesWhenSomebodyIsAged(t *testing.T) {
	county := rules.Source{Name: "county.txtpb", Text: []byte(`extends: "xunzhen" thresholds {
		id: "aged_basis" zh: "口径" en: "basis" number: 1 strength: STRENGTH_WARN
		source { document: "d" section: "s" mark: SOURCE_MARK_PROPOSED } }`)}
	within, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	full, err := rulepack.Load(county)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name         string
		birth        int32
		within, full bool
	}{
		{"65 today", 19610301, true, true},
		{"65 tomorrow", 19610302, true, false},
		{"65 next year", 19620101, false, false},
	} {
		e := rules.Entry{ID: [16]byte{1}, Kind: care.KindResident, Form: &carev1.Resident{BirthDate: c.birth}}
		person := rules.NewPerson(e.ID, []rules.Entry{e})
		for pack, want := range map[*rules.Pack]bool{within: c.within, full: c.full} {
			in, _ := pack.Populations(person, today)
			if got := slices.ContainsFunc(in, func(m rules.Membership) bool { return m.RuleID == "E.aged" }); got != want {
				t.Errorf("%s, %s: %t", c.name, pack.Content().GetVersion(), got)
			}
		}
	}
}
