// SPDX-License-Identifier: Apache-2.0

package terminal_test

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

func TestWidthCountsColumns(t *testing.T) {
	for text, want := range map[string]int{"": 0, "abc": 3, "巡诊": 4, "a巡b": 4, "，": 2, "e\u0301": 1, "█░": 2, "—…×✗": 4} {
		if got := terminal.Width(text); got != want {
			t.Errorf("%q takes %d columns, want %d", text, got, want)
		}
	}
}

func TestCutNeverTakesMoreColumnsThanItMay(t *testing.T) {
	for n := 1; n < 12; n++ {
		for _, text := range []string{"abcdefghijkl", "一二三四五六", "a二c四e六"} {
			if got := terminal.Cut(text, n); terminal.Width(got) > n {
				t.Errorf("%q cut to %d takes %d: %q", text, n, terminal.Width(got), got)
			}
		}
	}
	if got := terminal.Cut("一二三", 5); got != "一二…" {
		t.Errorf("%q", got)
	}
	if got := terminal.Cut("一二三", 6); got != "一二三" {
		t.Errorf("what fits was cut: %q", got)
	}
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		name, text string
		n          int
		want       []string
	}{
		{"between words", "one two three", 8, []string{"one two", "three"}},
		{"a word that is too long stays whole", "incomprehensible x", 6, []string{"incomprehensible", "x"}},
		{"between Chinese characters", "一二三四五", 6, []string{"一二三", "四五"}},
		{"not before closing punctuation", "一二三，四", 6, []string{"一二", "三，四"}},
		{"paragraphs stay", "one\n\ntwo", 8, []string{"one", "", "two"}},
		{"both at once", "用 xunzhen demo 看", 10, []string{"用 xunzhen", "demo 看"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := terminal.Wrap(test.text, test.n); !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

func TestWrapLosesNothing(t *testing.T) {
	text := "Everything（一切）that 写在这里，stays: “all” of it. 一条不丢！"
	strip := strings.NewReplacer(" ", "", "\n", "")
	for n := 4; n < 60; n++ {
		if got := strings.Join(terminal.Wrap(text, n), "\n"); strip.Replace(got) != strip.Replace(text) {
			t.Fatalf("wrapped at %d: %q", n, got)
		}
	}
}

func TestColumnsOfATableStandUnderEachOther(t *testing.T) {
	table := terminal.Table{Indent: 2, Head: []string{"姓名", "n", "x"}, Right: []bool{false, true}}
	table.Add("王试春", 7, "a")
	table.Add("Li", 112, "")
	var b strings.Builder
	if err := table.Write(&b); err != nil {
		t.Fatal(err)
	}
	want := "  姓名      n  x\n  ──────  ───  ─\n  王试春    7  a\n  Li      112\n"
	if b.String() != want {
		t.Errorf("\n%s\nwant\n%s", b.String(), want)
	}
}

func TestTheLastCellGoesOnInTheNextLine(t *testing.T) {
	table := terminal.Table{Columns: 30}
	table.Add("血脂", "one two three four five six seven")
	var b strings.Builder
	if err := table.Write(&b); err != nil {
		t.Fatal(err)
	}
	if want := "血脂  one two three four five\n      six seven\n"; b.String() != want {
		t.Errorf("\n%s\nwant\n%s", b.String(), want)
	}
}

func TestABarIsOneLineWhereThereIsNoTerminal(t *testing.T) {
	var b strings.Builder
	s := &terminal.Screen{Out: &b, Clock: time.Now}
	bar := s.Begin("work", 2)
	bar.Step()
	bar.Step()
	bar.End("2 done")
	bar.End("again")
	quiet := s.Begin("quiet", 1)
	quiet.End("")
	if got := b.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "work") || !strings.HasSuffix(got, "2 done\n") {
		t.Errorf("%q", got)
	}
}

func TestABarMovesInATerminalAndIsNotDrawnTooOften(t *testing.T) {
	var b strings.Builder
	now := time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)
	s := &terminal.Screen{Out: &b, Terminal: true, Clock: func() time.Time { return now }}
	bar := s.Begin("work", 100)
	for range 50 {
		bar.Step() // at one instant: not drawn again
	}
	if got := strings.Count(b.String(), "\r"); got != 1 {
		t.Errorf("drawn %d times", got)
	}
	now = now.Add(time.Second)
	bar.Step()
	if !strings.Contains(b.String(), " 51/100") {
		t.Errorf("%q", b.String())
	}
	bar.End("")
	if !strings.HasSuffix(b.String(), "\r\x1b[K") {
		t.Errorf("a bar without last words is wiped: %q", b.String())
	}
}

func TestTameTextCommandsNoTerminal(t *testing.T) {
	for text, want := range map[string]string{
		"王建国　（大）e\u0301 ✗":  "王建国　（大）e\u0301 ✗",
		"a\x1b[2J\r\nb\x00": `a\x1b[2J\r\nb\x00`,
		"\u009b31m\u202eab": `\u009b31m\u202eab`,
		"\u2028\ufeff\x7f":  `\u2028\ufeff\x7f`,
		"a\xffb\ufffd":      "a\\xffb\ufffd",
		"\U000e0041":        `\U000e0041`,
	} {
		if got := terminal.Tame(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func TestTameJSONSaysTheSame(t *testing.T) {
	const text = "{\n\t\"a\": \"王\x7f\u009b\U000e0041\"\n}"
	tame := terminal.TameJSON(text)
	if want := "{\n\t\"a\": \"王\\u007f\\u009b\\udb40\\udc41\"\n}"; tame != want {
		t.Errorf("%q, want %q", tame, want)
	}
	var before, after map[string]string
	if err := errors.Join(json.Unmarshal([]byte(text), &before), json.Unmarshal([]byte(tame), &after)); err != nil || before["a"] != after["a"] {
		t.Errorf("%q and %q: %v", before, after, err)
	}
}
