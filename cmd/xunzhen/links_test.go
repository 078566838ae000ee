// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"
)

const wangsNumber = "990000195803060018" // of an area that does not exist

func TestPersonsAreFoundByTheirNumber(t *testing.T) {
	one, two := clinic(t)
	form := `{"name": "王试春", "sex": "SEX_MALE", "birth_date": 19580306, "identity_document": {"type": 1, "number": "` + wangsNumber + `"}}`
	a := one.save(form, "--kind", "resident")
	one.ok("tablet", "sync")
	b := two.save(form, "--kind", "resident")
	two.ok("tablet", "sync")
	var found []foundPerson
	for tries := 0; len(found) != 1; tries++ { // who agrees is linked by the server, soon
		if found = decode[[]foundPerson](t, one.ok("find", wangsNumber, "--json")); len(found) == 0 || tries > 1000 {
			t.Fatalf("%d persons were found", len(found))
		}
	}
	if got := found[0].Residents; len(got) != 2 || !got[0].Bearer || got[0].Name != "王试春" || got[0].BirthDate != "1958-03-06" ||
		got[0].Sex != "male" || !slices.Equal(got[0].Divisions, []string{village}) || found[0].ID != min(a, b) {
		t.Errorf("%+v", found)
	}
	one.in = " ９９００００-19580306 0018\n"
	one.says(one.ok("find", "-"), a, b, "王试春", "1958-03-06", "bears it")
	one.says(one.ok("find", "990000195803060026"), "Nobody")
	one.says(one.ok("find", "990000195803060026", "--lang", "zh"), "没有人")
}

func TestThePairsToDecideAboutAreListedAndDecided(t *testing.T) {
	one, _ := clinic(t)
	one.says(one.ok("links"), "nothing to decide")
	doc := `"identity_document": {"type": 1, "number": "` + wangsNumber + `"}}`
	a := one.save(`{"name": "王试春", "sex": "SEX_MALE", "birth_date": 19580306, `+doc, "--kind", "resident")
	b := one.save(`{"name": "王小春", "sex": "SEX_FEMALE", "birth_date": 19580306, `+doc, "--kind", "resident")
	visit := one.save(`{}`, "--kind", "home_visit", "--subject", b)
	one.ok("tablet", "sync")
	one.says(one.ok("links"), "same number", "the names differ", "the sexes differ", a, b, "王试春", "王小春", "female", "links same")
	one.says(one.ok("links", "list", "--lang", "zh"), "证件号码相同", "姓名不同", "性别不同", "女", "判定")
	all := decode[[]proposedLink](t, one.ok("links", "--json"))
	if len(all) != 1 || all[0].A.ID != min(a, b) || !slices.Equal(all[0].Reasons, []string{"same_number", "other_name", "other_sex"}) {
		t.Errorf("%+v", all)
	}

	one.fails(exitUsage, []string{"--author"}, "links", "same", a, b)
	one.fails(exitFailed, []string{"is no resident"}, "links", "same", a, visit, "--author", "zhao")
	one.fails(exitFailed, []string{"one and the same"}, "links", "different", a, a, "--author", "zhao")
	one.fails(exitFailed, nil, "links", "same", a, "1234", "--author", "zhao")
	one.ok("links", "different", a, b, "--author", "zhao", "--reason", "sisters")
	one.says(one.ok("links"), "nothing to decide")
	if got := decode[[]foundPerson](t, one.ok("find", wangsNumber, "--json")); len(got) != 2 {
		t.Errorf("told apart, and found as %+v", got)
	}
	one.ok("links", "same", b, a, "--author", "zhao")
	one.ok("links", "same", a, b, "--author", "zhao") // twice is once
	if got := decode[[]foundPerson](t, one.ok("find", wangsNumber, "--json")); len(got) != 1 || len(got[0].Residents) != 2 {
		t.Errorf("linked, and found as %+v", got)
	}
	one.ok("links", "different", a, b, "--author", "zhao")
	one.says(one.ok("links"), "nothing to decide")
	if got := one.show(visit); got.ID != visit {
		t.Errorf("%+v", got)
	}
	one.says(one.ok("verify", "--replay"), "")
}
