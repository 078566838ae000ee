// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime/debug"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
)

// commandNamed returns a command of the grammar, with texts in a language.
func commandNamed(t *testing.T, lang words.Language, name string) (*helpPage, *kong.Node) {
	t.Helper()
	c := &call{Program: newShell(t).program(nil, nil), ctx: t.Context(), words: words.In(lang)}
	parser, err := c.grammar()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range parser.Model.Children {
		if n.Name == name {
			return &helpPage{call: c}, n
		}
	}
	t.Fatalf("there is no command %s", name)
	return nil, nil
}

// Bug class: a flag that an operator cannot find out about, or cannot set for a service.
func TestEveryFlagOfServeHasHelpADefaultAndAVariable(t *testing.T) {
	for lang, says := range map[words.Language]string{words.English: "Default: ", words.Chinese: "默认："} {
		h, serve := commandNamed(t, lang, "serve")
		for _, f := range serve.Flags {
			if f.Hidden {
				continue
			}
			text := h.flagText(serve, f)
			if strings.TrimSpace(f.Help) == "" || strings.Contains(text, "${") {
				t.Errorf("--%s in %s has no help: %q", f.Name, lang, text)
			}
			if !f.IsBool() && f.Name != "data" && !strings.Contains(text, says) {
				t.Errorf("--%s in %s does not say what holds without it: %q", f.Name, lang, text)
			}
			if want := "$XUNZHEN_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_")); !strings.Contains(text, want) {
				t.Errorf("--%s in %s does not name %s: %q", f.Name, lang, want, text)
			}
		}
	}
}

func TestServeIsSetUpByTheEnvironment(t *testing.T) {
	before := debug.SetMemoryLimit(-1)
	t.Cleanup(func() { debug.SetMemoryLimit(before) })
	s := newShell(t)
	s.env["XUNZHEN_COUNTY"], s.env["XUNZHEN_STAFF"], s.env["XUNZHEN_MEMORY"] = "431124", "li,wang", "77"
	s.env["XUNZHEN_ANNOUNCE"], s.env["XUNZHEN_OPERATE"] = "127.0.0.1:7001,127.0.0.1:7002", "127.0.0.1:0"
	s.env["XUNZHEN_LISTEN"] = "nonsense" // the flag that the test gives goes before
	at, stop := s.serve()
	if len(at.Addresses) != 2 || at.Addresses[1] != "127.0.0.1:7002" || at.Operate == "" || at.Counties[0].Code != "431124" {
		t.Errorf("%+v", at)
	}
	if got := debug.SetMemoryLimit(-1); got != 77<<20 {
		t.Errorf("memory %d", got)
	}
	s.ok("tablet", "enrol", at.Invitation, "--staff", "wang", "--address", at.Address)
	stop()
	delete(s.env, "XUNZHEN_STAFF")
	s.env["XUNZHEN_STAFF"], s.env["XUNZHEN_MEMORY"] = "", "" // as a file with empty lines has it
	s.serve()
}

func TestVariablesOfServeAreNobodyElses(t *testing.T) {
	s := newShell(t)
	s.env["XUNZHEN_JSON"], s.env["XUNZHEN_COUNTY"] = "true", "130403"
	if out := s.ok("tablet", "form", "resident"); strings.HasPrefix(out, "{") {
		t.Error("another command took the variable of serve")
	}
}

func TestWrongValuesOfServeSayWhatIsRight(t *testing.T) {
	for _, row := range []struct {
		name   string
		args   []string
		env    map[string]string
		status int
		says   []string
	}{
		{"no port", []string{"--listen", "7443"}, nil, exitFailed, []string{"--listen :7443", `"7443"`}},
		{"no port to announce", []string{"--announce", "192.168.1.10"}, nil, exitFailed, []string{"--announce 192.168.1.10:7443"}},
		{"less memory than none", []string{"--memory=-1"}, nil, exitFailed, []string{"--memory 200"}},
		{"memory in words", []string{"--memory=much"}, nil, exitUsage, []string{"--memory", "much"}},
		{"an unknown level", []string{"--log=loud"}, nil, exitUsage, []string{"--log", "info", "loud"}},
		{"memory in words by variable", nil, map[string]string{"XUNZHEN_MEMORY": "much"}, exitUsage, []string{"--memory", "XUNZHEN_MEMORY=much"}},
		{"an unknown level by variable", nil, map[string]string{"XUNZHEN_LOG": "loud"}, exitUsage, []string{"info", "XUNZHEN_LOG=loud"}},
		{"no port by variable", nil, map[string]string{"XUNZHEN_LISTEN": "7443"}, exitFailed, []string{"--listen :7443"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newShell(t)
			for k, v := range row.env {
				s.env[k] = v
			}
			s.fails(row.status, row.says, append([]string{"serve", "--county", "431124"}, row.args...)...)
		})
	}
}
