// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
)

// operateTexts are the guides for whoever runs a county.
func operateTexts(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, name := range []string{"operate.md", "operate.zh.md"} {
		raw, err := os.ReadFile(filepath.Join("..", "..", "docs", name))
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(raw)
	}
	return out
}

// block is one piece of shell in a guide. What is marked "sh root" needs a machine of
// its own: it is parsed, and not run.
type block struct {
	root   bool
	script string
}

var fenced = regexp.MustCompile("(?ms)^```sh( root)?\n(.*?)^```$")

func blocksOf(t *testing.T, name, text string) (out []block) {
	t.Helper()
	for _, m := range fenced.FindAllStringSubmatch(text, -1) {
		out = append(out, block{m[1] != "", m[2]})
	}
	if fences := strings.Count(text, "```"); len(out) < 5 || fences != 2*len(out) {
		t.Fatalf("%s: %d blocks of shell read, and %d fences: one is marked otherwise", name, len(out), fences)
	}
	return out
}

// commandLine finds the program's own lines.
var commandLine = regexp.MustCompile(`(?m)(?:^|[;&|] *)xunzhen(?:-office)? +([^#|;&\n]*)`)

// parses reports whether the program takes a line, flags and all.
func parses(t *testing.T, line string) error {
	t.Helper()
	c := &call{Program: newShell(t).program(nil, nil), ctx: t.Context(), words: words.In(words.English)}
	parser, err := c.grammar()
	if err != nil {
		t.Fatal(err)
	}
	if asked, rest := asksForHelp(split(line)); asked {
		_, err = kong.Trace(parser, rest)
		return err
	}
	_, err = parser.Parse(split(line))
	return err
}

// split cuts a line into words as a shell does, as far as the guides need it.
func split(line string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`"([^"]*)"|\S+`).FindAllStringSubmatch(line, -1) {
		if m[1] != "" {
			out = append(out, m[1])
		} else {
			out = append(out, m[0])
		}
	}
	return out
}

// quoted finds commands that a sentence names.
var quoted = regexp.MustCompile("`xunzhen(?:-office)? ([a-z][^`命]*)`")

func TestEveryCommandOfTheGuidesIsThere(t *testing.T) {
	seen := 0
	for name, text := range operateTexts(t) {
		var lines []string
		for _, b := range blocksOf(t, name, text) {
			for _, m := range commandLine.FindAllStringSubmatch(b.script, -1) {
				lines = append(lines, m[1])
			}
		}
		for _, m := range quoted.FindAllStringSubmatch(text, -1) {
			lines = append(lines, m[1])
		}
		for _, line := range lines {
			seen++
			if err := parses(t, line); err != nil {
				t.Errorf("%s: xunzhen %s: %v", name, line, err)
			}
		}
	}
	if seen < 12 {
		t.Errorf("only %d commands seen: the search is broken", seen)
	}
}

func TestBothGuidesHaveTheSameCommands(t *testing.T) {
	texts := operateTexts(t)
	plain := func(name string) (out []string) {
		for _, b := range blocksOf(t, name, texts[name]) {
			script := regexp.MustCompile(` *#[^\n]*`).ReplaceAllString(b.script, "")
			out = append(out, regexp.MustCompile(`"[^"]*"`).ReplaceAllString(script, `""`))
		}
		return out
	}
	if en, zh := plain("operate.md"), plain("operate.zh.md"); !slices.Equal(en, zh) {
		t.Errorf("English:\n%s\nChinese:\n%s", strings.Join(en, "--\n"), strings.Join(zh, "--\n"))
	}
}

// Every block that needs no machine of its own is run, in order, by a shell, against a
// server: it must end well, and say nothing that it should not.
func TestTheGuidesCommandsWork(t *testing.T) {
	for _, tool := range []string{"sh", "curl", "grep"} {
		if _, err := exec.LookPath(tool); err != nil || runtime.GOOS == "windows" {
			t.Skipf("%s is needed: %v", tool, err)
		}
	}
	guide := &guide{shell: newShell(t), dir: t.TempDir()}
	at, _ := guide.serve("--county", "130403", "--operate", "127.0.0.1:0")
	guide.prepare(at)
	guide.ok("tablet", "enrol", at.Invitation)
	guide.in = `{"name": "王试春"}`
	saved := decode[savedJSON](t, guide.ok("tablet", "save", "--kind", "resident", "--scope", "130403001001", "--json"))
	guide.ok("tablet", "sync")
	guide.means = strings.NewReplacer("127.0.0.1:9130", at.Operate, " ID", " "+saved.ID, "/tmp/", guide.dir+"/", "/var/backups/xunzhen", guide.t.TempDir())
	for i, b := range blocksOf(t, "operate.md", operateTexts(t)["operate.md"]) {
		if !b.root {
			guide.follow(i, b.script)
		}
	}
}

// guide runs the blocks of a guide.
type guide struct {
	*shell
	dir   string
	means *strings.Replacer // what stands in a guide for what there is here
}

// prepare puts commands of the guide's names into a folder: this program.
func (g *guide) prepare(at office.Serving) {
	g.t.Helper()
	self, err := os.Executable()
	if err != nil {
		g.t.Fatal(err)
	}
	script := "#!/bin/sh\n" + childVariable + "=1 XUNZHEN_DATA='" + at.Data + "' exec '" + self + `' "$@"` + "\n"
	for _, name := range []string{"xunzhen", "xunzhen-office"} {
		if err := os.WriteFile(filepath.Join(g.dir, name), []byte(script), 0o700); err != nil {
			g.t.Fatal(err)
		}
	}
}

// follow runs one block.
func (g *guide) follow(i int, script string) {
	g.t.Helper()
	script = g.means.Replace(script)
	cmd := exec.CommandContext(g.t.Context(), "sh", "-eu", "-c", script) //nolint:gosec // the guide's own
	cmd.Dir = g.dir
	cmd.Env = append(os.Environ(), "PATH="+g.dir+":"+os.Getenv("PATH"), "LANG=C", "XUNZHEN_TABLET="+filepath.Join(g.dir, "tablet"), "XUNZHEN_SECRET=123456")
	if out, err := cmd.CombinedOutput(); err != nil {
		g.t.Errorf("block %d: %v\n%s\n%s", i, err, script, out)
	}
}

// exported finds the figures of a scrape, told finds those of a guide.
var (
	exported = regexp.MustCompile(`(?m)^# TYPE (xunzhen_[a-z_]+) `)
	told     = regexp.MustCompile("`(xunzhen_[a-z_]+)`")
)

func TestTheGuidesTellOfEveryFigure(t *testing.T) {
	s := newShell(t)
	at, _ := s.serve("--county", "130403", "--operate", "127.0.0.1:0")
	s.ok("tablet", "enrol", at.Invitation)
	s.in = `{"name": "王试春"}`
	s.ok("tablet", "save", "--kind", "resident", "--scope", "130403001001")
	s.ok("tablet", "sync")
	_, page := fetch(t, "http://"+at.Operate+"/metrics")
	have := []string{
		"xunzhen_busy_total", "xunzhen_segments_refused_total", "xunzhen_commit_failures_total", // when it has happened
		"xunzhen_hub_waiting_saves", "xunzhen_hub_waiting_since_timestamp_seconds", "xunzhen_hub_centre_reached_timestamp_seconds",
		"xunzhen_hub_revoked", // of a hub
	}
	for _, m := range exported.FindAllStringSubmatch(page, -1) {
		have = append(have, m[1])
	}
	for name, text := range operateTexts(t) {
		var tells []string
		for _, m := range told.FindAllStringSubmatch(text, -1) {
			tells = append(tells, m[1])
		}
		for _, figure := range have {
			if !slices.Contains(tells, figure) {
				t.Errorf("%s does not tell of %s", name, figure)
			}
		}
		for _, figure := range tells {
			if !slices.Contains(have, figure) {
				t.Errorf("%s tells of %s, which is not there", name, figure)
			}
		}
	}
}
