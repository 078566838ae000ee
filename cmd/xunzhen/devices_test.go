// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
)

// deviceOf returns the one device of somebody.
func (s *shell) deviceOf(staff string) device {
	s.t.Helper()
	all := decode[[]device](s.t, s.ok("devices", "--json"))
	i := slices.IndexFunc(all, func(d device) bool { return slices.Contains(d.Staff, staff) })
	if i < 0 {
		s.t.Fatalf("%s has no device: %+v", staff, all)
	}
	return all[i]
}

func (s *shell) says(in string, want ...string) {
	s.t.Helper()
	for _, w := range want {
		if !strings.Contains(in, w) {
			s.t.Errorf("it does not say %q:\n%s", w, in)
		}
	}
}

func TestADeviceIsListedCutOffAndTakenBack(t *testing.T) {
	one, two := clinic(t)
	id := one.save(`{"name": "王试春", "phone": "139"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	li := one.deviceOf("li")
	if len(li.Fences) != 0 || li.LastCounter != 1 || li.LastHeardMs == 0 || li.Divisions[0] != village {
		t.Errorf("%+v", li)
	}
	one.says(one.ok("devices"), short(li.Replica), "li", "wang", "in good standing until")
	one.says(one.ok("devices", "list", "--lang", "zh"), "正常，有效至", "最近联系")
	one.fails(exitFailed, []string{"xunzhen devices"}, "devices", "revoke", "nobody", "--author", "zhao")
	one.fails(exitUsage, []string{"--author"}, "devices", "revoke", "li")
	one.fails(exitFailed, []string{"is no time"}, "devices", "revoke", "li", "--author", "zhao", "--since", "yesterday")
	one.in = "yes\n"
	one.fails(exitFailed, []string{"1 saves before the line", "Type " + short(li.Replica)}, "devices", "revoke", "li", "--author", "zhao")
	one.fails(exitFailed, []string{"nothing cuts device"}, "devices", "exempt", "li", "--author", "zhao")
	one.fails(exitFailed, []string{"nothing cuts device"}, "devices", "lift", "li", "--author", "zhao")
	one.fails(exitFailed, []string{"nothing of device"}, "devices", "gap", "li", "--author", "zhao")

	one.in = short(li.Replica) + "\n"
	one.ok("devices", "revoke", li.Replica[:6], "--author", "zhao", "--reason", "stolen")
	one.says(one.ok("devices"), "CUT OFF", "zhao")
	if f := one.deviceOf("li").Fences; len(f) != 1 || f[0].Reason != "stolen" || f[0].Replica != li.Replica {
		t.Errorf("%+v", f)
	}
	one.edit(id, "phone", "111")
	one.ok("tablet", "sync")
	one.says(one.ok("held"), "139 → 111", "saved after the tablet was cut off")
	one.says(one.ok("tablet", "list", "--held"), id)
	one.ok("devices", "exempt", "li", "--author", "zhao", "--reason", "it was the doctor")
	two.ok("tablet", "sync")
	if got := two.show(id).Values["phone"]; got != "111" {
		t.Errorf("exempted, and another tablet shows %v", got)
	}
	one.ok("devices", "lift", "li", "--author", "zhao")
	one.ok("tablet", "sync")
	if d := one.deviceOf("li"); len(d.Fences) != 0 || d.Held != 0 {
		t.Errorf("%+v", d)
	}
}

// Revoked since a time, what came after it is held; a held save is decided and stays.
func TestADeviceIsCutOffSinceATime(t *testing.T) {
	one, two := clinic(t)
	id := one.save(`{"name": "王试春"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	_, out, said := one.run("devices", "revoke", "li", "--author", "zhao", "--since", "2020-01-01", "--yes")
	one.says(said, "0 saves before the line stay good; 1 lie after it", "1 in 1 records")
	one.says(out, "cut off")
	all := decode[[]heldSave](t, one.ok("held", "--json"))
	if len(all) != 1 || all[0].Record != id || all[0].Verdict != "held_fence" || all[0].Device != one.deviceOf("li").Replica {
		t.Fatalf("%+v", all)
	}
	one.fails(exitFailed, []string{"xunzhen held"}, "withdraw", id, "x", "--author", "zhao")
	one.says(one.ok("withdraw", id, all[0].Dot, "--author", "zhao", "--reason", "not hers"), "stays held")
	one.fails(exitFailed, []string{"withdrawn already"}, "withdraw", id, all[0].Dot, "--author", "zhao")
	one.ok("devices", "lift", "li", "--author", "zhao")
	if all := decode[[]heldSave](t, one.ok("held", "--json")); len(all) != 1 || all[0].Verdict != "held_withdrawn" {
		t.Errorf("decided, and lifting the fence changed it: %+v", all)
	}
	one.ok("release", id, all[0].Dot, "--author", "zhao")
	one.says(one.ok("withdraw", id, all[0].Dot, "--author", "zhao"), "Withdrawn")
	two.ok("tablet", "sync")
	if two.show(id).Values["name"] == "王试春" {
		t.Error("withdrawn, and another tablet shows it")
	}
}

func TestACopiedDeviceIsListedWithBothHistories(t *testing.T) {
	one, _ := clinic(t)
	one.says(one.ok("forks"), "No device has two histories")
	one.save(`{"name": "王试春"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	copied := one.tablet("copy")
	if err := os.RemoveAll(copied.env["XUNZHEN_TABLET"]); err != nil {
		t.Fatal(err)
	}
	copyFolder(t, copied.env["XUNZHEN_TABLET"], filepath.Clean(one.env["XUNZHEN_TABLET"]))
	for _, s := range []*shell{one, copied} {
		s.save(`{"name": "王又春"}`, "--kind", "resident")
		s.ok("tablet", "sync")
	}
	all := decode[[]forked](t, one.ok("forks", "--json"))
	if len(all) != 1 || len(all[0].Histories) != 2 || len(all[0].Pairs) == 0 {
		t.Fatalf("%+v", all)
	}
	end := all[0].Histories[1].End.Hash
	one.says(one.ok("forks"), end[:16], "Neither is presumed")
	one.says(one.ok("devices"), "a copy of it is at work", "goes on from "+short(all[0].Replica))
	one.fails(exitFailed, []string{"is several devices"}, "devices", "revoke", "li", "--author", "zhao")
	next := decode[[]device](t, one.ok("devices", "--json"))
	i := slices.IndexFunc(next, func(d device) bool { return len(d.Predecessors) > 0 })
	one.ok("devices", "revoke", all[0].Replica, "--author", "zhao", "--yes", "--since", "2020-01-01")
	one.fails(exitFailed, []string{"Lift that one"}, "devices", "lift", next[i].Replica, "--author", "zhao")
	one.fails(exitFailed, []string{"xunzhen forks"}, "devices", "exempt", all[0].Replica, "--history", "beef", "--author", "zhao")
	one.ok("devices", "exempt", all[0].Replica, "--history", end[:10], "--author", "zhao")
	for _, h := range decode[[]forked](t, one.ok("forks", "--json"))[0].Histories {
		if good := h.End.Hash == end; good != (h.Held == 0) {
			t.Errorf("%+v, believed is %s", h, end)
		}
	}
}

func TestWhatASaveChangedIsInTheWordsOfTheForm(t *testing.T) {
	one, _ := clinic(t)
	one.save(`{"name": "王试春", "sex": "SEX_FEMALE", "birth_date": 19580306}`, "--kind", "resident")
	one.ok("tablet", "sync")
	one.ok("devices", "revoke", "li", "--author", "zhao", "--since", "2020-01-01", "--yes")
	one.says(one.ok("held", "--lang", string(words.Chinese)), "姓名", "王试春", "性别", "女", "1958-03-06", village)
}
