// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// auditor is a machine with nothing but a proof file and a key.
func auditor(t *testing.T) *shell {
	t.Helper()
	s := newShell(t)
	s.env = map[string]string{}
	return s
}

// disputed makes a record that two tablets edited and the office had to look at, beside
// one of somebody else.
func disputed(t *testing.T) (one, two *shell, id string) {
	t.Helper()
	one, two = clinic(t)
	one.save(`{"name": "赵邻居", "phone": "77777777777"}`, "--kind", "resident")
	id = one.save(`{"name": "王试春", "sex": "SEX_MALE", "phone": "13900000001"}`, "--kind", "resident")
	one.ok("tablet", "sync")
	two.ok("tablet", "sync")
	two.edit(id, "phone", "13900000002")
	two.ok("tablet", "sync")
	one.ok("tablet", "sync")
	one.in = strings.ReplaceAll(one.ok("tablet", "show", id, "--json"), `"13900000002"`, `"13900000003"`)
	one.ok("tablet", "save", "--author", "ghost")
	one.ok("tablet", "sync")
	held := decode[[]heldSave](t, one.ok("held", "--json"))
	one.ok("release", id, held[0].Dot, "--author", "zhao", "--reason", "a new colleague")
	return one, two, id
}

func says(t *testing.T, out string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(out, w) {
			t.Errorf("does not say %q:\n%s", w, out)
		}
	}
}

func TestAProofIsCheckedElsewhereWithTheKeyAlone(t *testing.T) {
	one, _, id := disputed(t)
	file := filepath.Join(t.TempDir(), "x.proof")
	made := decode[provedJSON](t, one.ok("prove", id, "-o", file, "--json"))
	key := strings.TrimSpace(one.ok("shard"))
	if made.Key != key || made.File != file {
		t.Errorf("%+v, key %s", made, key)
	}
	a := auditor(t)
	says(t, a.ok("check", file, "--shard", key, "--lang", "en"),
		"Everything holds", "Save 1 of 3", "saved by", "wang", "ghost", "the author is not on the certificate", "part of the record", "male",
		"13900000001, replaced by save 2", "13900000003, stands", "released save 3, by zhao: a new colleague")
	says(t, a.ok("check", file, "--shard", key, "--lang", "zh"), "全部成立", "第 1 次保存", "本人电话", "男", "被第 2 次保存取代", "采纳第 3 次保存，zhao")
	got := decode[provenJSON](t, a.ok("check", file, "--shard", key, "--json"))
	if !got.Holds || len(got.Saves) != 3 || got.Record != id || got.Saves[2].Verdicts[1].Verdict != "admitted" || got.Acts[0].Act != "release" {
		t.Errorf("%+v", got)
	}
	raw, err := os.ReadFile(file)
	if err != nil || bytes.Contains(raw, []byte("赵邻居")) || bytes.Contains(raw, []byte("77777777777")) {
		t.Errorf("somebody else's record shows: %v", err)
	}
	one.fails(exitFailed, []string{"is there already"}, "prove", id, "-o", file)
}

func TestAProofThatDoesNotHoldFails(t *testing.T) {
	one, _, id := disputed(t)
	file := filepath.Join(t.TempDir(), "x.proof")
	one.ok("prove", id, "-o", file)
	key := strings.TrimSpace(one.ok("shard"))
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(raw, []byte("13900000002"), []byte("13900000009"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	a := auditor(t)
	for lang, w := range map[string]string{"en": "it was changed", "zh": "文件被改动"} {
		status, out, _ := a.run("check", file, "--shard", key, "--lang", lang)
		if status != exitFailed || !strings.Contains(out, w) {
			t.Errorf("status %d:\n%s", status, out)
		}
	}
	status, out, _ := a.run("check", file, "--shard", key, "--json")
	if got := decode[refusedJSON](t, out); status != exitFailed || got.Holds || got.Claim != "signature" {
		t.Errorf("status %d, %+v", status, got)
	}
	status, out, _ = a.run("check", file, "--shard", strings.Repeat("ab", 32))
	if status != exitFailed || !strings.Contains(out, "another county's") {
		t.Errorf("status %d:\n%s", status, out)
	}
	a.fails(exitFailed, []string{"64 hexadecimal"}, "check", file, "--shard", "abc")
	a.fails(exitFailed, []string{"cannot be read"}, "check", file+"x", "--shard", key)
	one.fails(exitFailed, []string{"no record id"}, "prove", "x")
	one.fails(exitFailed, []string{"no name of a save"}, "prove", id, "--save", "x")
}

func TestAProofOfOneSaveShowsNoOtherValues(t *testing.T) {
	one, _, id := disputed(t)
	history := decode[stood](t, one.ok("history", id, "--json"))
	file := filepath.Join(t.TempDir(), "x.proof")
	one.ok("prove", id, "--save", history.Saves[0].Dot, "-o", file)
	out := auditor(t).ok("check", file, "--shard", strings.TrimSpace(one.ok("shard")))
	says(t, out, "save 1 only", "Save 1 of 2", "(not shown)", "13900000001, replaced by save 2", "The file is about one save")
	if raw, err := os.ReadFile(file); err != nil || bytes.Contains(raw, []byte("13900000002")) {
		t.Errorf("another save's value shows: %v", err)
	}
}

func TestARecordIsShownAsItStood(t *testing.T) {
	one, _, id := disputed(t)
	says(t, one.ok("history", id), "13900000003", "ghost", "captured", "part of the record")
	yesterday := time.Now().AddDate(0, 0, -1).Format("2006-01-02")
	for _, flag := range []string{"--as-of", "--received-by"} {
		says(t, one.ok("history", id, flag, yesterday), "Nothing of it was there")
		says(t, one.ok("history", id, flag, yesterday, "--lang", "zh"), "还没有任何内容")
	}
	all := decode[stood](t, one.ok("history", id, "--json"))
	first := time.UnixMilli(all.Saves[0].ReceivedMs).UTC().Format("2006-01-02T15:04:05.000Z07:00")
	then := decode[stood](t, one.ok("history", id, "--received-by", first, "--json"))
	if len(all.Saves) != 3 || len(then.Saves) != 1 {
		t.Fatalf("%d saves now, %d then", len(all.Saves), len(then.Saves))
	}
	for _, v := range then.Values {
		if v.Path == "phone" && string(v.Values[0].Value) != `{
          "phone": "13900000001"
        }` && !bytes.Contains(v.Values[0].Value, []byte("13900000001")) {
			t.Errorf("phone %s", v.Values[0].Value)
		}
	}
	one.fails(exitFailed, []string{"is no date"}, "history", id, "--as-of", "spring")
}
