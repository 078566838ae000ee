// SPDX-License-Identifier: Apache-2.0

package main

import (
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
)

// commands are all there are, with the program itself, as words after its name.
func commands(t *testing.T) (all [][]string) {
	t.Helper()
	parser, err := (&call{words: words.In("en")}).grammar()
	if err != nil {
		t.Fatal(err)
	}
	var walk func(n *kong.Node, name []string)
	walk = func(n *kong.Node, name []string) {
		all = append(all, name)
		for _, child := range n.Children {
			if child.Type == kong.CommandNode && !child.Hidden {
				walk(child, append(slices.Clone(name), child.Name))
			}
		}
	}
	walk(parser.Model.Node, nil)
	if len(all) < 80 {
		t.Fatalf("only %d commands", len(all))
	}
	return all
}

func TestEachCommandOfTheProgramStandsInAGroupOfHelp(t *testing.T) {
	parser, err := (&call{words: words.In("en")}).grammar()
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range commandGroups(parser.Model.Node) {
		if g.key == "help_head_commands" {
			t.Errorf("in no group: %v", g.rows)
		}
	}
}

func TestEveryCommandHasHelpInBothLanguages(t *testing.T) {
	s := newShell(t)
	for _, command := range commands(t) {
		for lang, head := range map[string]string{"en": "Usage", "zh": "用法"} {
			out := s.ok(append(append([]string{}, command...), "--help", "--lang", lang)...)
			if !strings.Contains(out, head+"\n  xunzhen "+strings.Join(command, " ")) {
				t.Errorf("%v in %s:\n%s", command, lang, out)
			}
			if strings.Contains(out, "help_") || strings.Contains(out, "${") {
				t.Errorf("%v in %s has a text missing:\n%s", command, lang, out)
			}
		}
	}
}

func TestHelpFitsTheTerminal(t *testing.T) {
	s := newShell(t)
	for _, command := range commands(t) {
		for line := range strings.Lines(s.ok(append(command, "--help")...)) {
			if len([]rune(strings.TrimRight(line, "\n"))) > defaultColumns && !strings.Contains(line, "xunzhen ") {
				t.Errorf("%v: %q", command, line)
			}
		}
	}
}

func TestTheWayHelpIsAskedForDoesNotMatter(t *testing.T) {
	s := newShell(t)
	want := s.ok("tablet", "save", "--help")
	for _, args := range [][]string{{"help", "tablet", "save"}, {"tablet", "save", "-h"}, {"--help", "tablet", "save"}} {
		if got := s.ok(args...); got != want {
			t.Errorf("%v:\n%s", args, got)
		}
	}
	if s.ok() != s.ok("--help") {
		t.Error("nothing asked for is not the same as help")
	}
}

func TestWrongCommandLinesSayWhatIsWrong(t *testing.T) {
	s := newShell(t)
	for _, test := range []struct {
		name string
		args []string
		says []string
	}{
		{"no such command", []string{"bogus"}, []string{"bogus", "--help"}},
		{"no such flag", []string{"verify", "--nope"}, []string{"--nope", "xunzhen verify --help"}},
		{"a flag is missing", []string{"enrol"}, []string{"--scope", "--staff"}},
		{"an argument is missing", []string{"tablet", "show"}, []string{"<id>"}},
		{"in Chinese", []string{"verify", "--nope", "--lang=zh"}, []string{"没有选项", "帮助"}},
		{"neither one nor the other", []string{"enrol", "--scope=43", "--staff=a", "--role=king"}, []string{"king"}},
	} {
		t.Run(test.name, func(t *testing.T) { s.fails(exitUsage, test.says, test.args...) })
	}
}

func TestTheEnvironmentSaysWhichLanguage(t *testing.T) {
	s := newShell(t)
	s.env["LANG"] = "zh_CN.UTF-8"
	if out := s.ok("help"); !strings.Contains(out, "巡诊") {
		t.Error(out)
	}
	s.env["LC_ALL"] = "C"
	if out := s.ok("help"); strings.Contains(out, "巡诊") {
		t.Error(out)
	}
}

func TestVersion(t *testing.T) {
	if out := newShell(t).ok("version"); !strings.HasPrefix(out, "xunzhen ") || strings.Count(out, "\n") != 1 {
		t.Errorf("%q", out)
	}
	line := versionLine(&debug.BuildInfo{
		Main: debug.Module{Version: "v0.1.0"},
		Settings: []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123456789abcdef0123"}, {Key: "vcs.modified", Value: "true"},
		},
	})
	if !strings.HasPrefix(line, "xunzhen v0.1.0 0123456789ab+ go") {
		t.Errorf("%q", line)
	}
	if line := versionLine(nil); !strings.HasPrefix(line, "xunzhen go") {
		t.Errorf("%q", line)
	}
}
