// SPDX-License-Identifier: Apache-2.0

package manual

import (
	"html"
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestTextIsShownAsItIs(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"plain words":                {"收缩压 140 mmHg", "收缩压 140 mmHg"},
		"a pipe":                     {"a|b", `a\|b`},
		"an escaped pipe":            {`a\|b`, `a\\\|b`},
		"line breaks and blanks":     {" a\r\n\tb\u2028c ", "a b c"},
		"markup":                     {"*a* _b_ ~c~ `d` [e](f)", "\\*a\\* \\_b\\_ \\~c\\~ \\`d\\` \\[e\\](f)"},
		"tags":                       {`<script>&amp;</script>`, "&lt;script&gt;&amp;amp;&lt;/script&gt;"},
		"mathematics":                {"$x$", `\$x\$`},
		"what begins a list":         {"- a", `\- a`},
		"what begins a heading":      {"# a", `\# a`},
		"what begins a numbered one": {"12. a", `12\. a`},
		"a decimal":                  {"3.5 mmol/L", "3.5 mmol/L"},
		"a number and an end":        {"7.", `7\.`},
		"marks that turn a line":     {"a\u202eb\u200bc", "abc"},
		"nothing":                    {"", ""},
	} {
		if got := text(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestCodeStandsInACell(t *testing.T) {
	for in, want := range map[string]string{
		"a":      "`a`",
		"a || b": `<code>a \|\| b</code>`,
		"a`b":    "<code>a\\`b</code>",
		"a\n b":  "`a b`",
		`a\|b`:   `<code>a\\\|b</code>`,
	} {
		if got := code(in); got != want {
			t.Errorf("%q: %s, want %s", in, got, want)
		}
	}
	if got := fence([]string{"a ``` b"}); got != "````\na ``` b\n````" {
		t.Errorf("a fence in a fence: %s", got)
	}
}

func TestAHeadingHasTheSlugThatGitHubGivesIt(t *testing.T) {
	for in, want := range map[string]string{
		"Q05.sex": "q05sex", "P.bmi.home_visit": "pbmihome_visit", "Main health problems": "main-health-problems",
		"读法": "读法", "家族史：父亲（一）": "家族史父亲一", "Drugs & more": "drugs--more", "a-b": "a-b",
	} {
		if got := slug(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestADecimalHasItsPlaces(t *testing.T) {
	for _, c := range []struct {
		n      int64
		places uint32
		want   string
	}{{995, 1, "99.5"}, {5, 2, "0.05"}, {-5, 1, "-0.5"}, {0, 1, "0.0"}, {-120, 0, "-120"}, {1000, 3, "1.000"}} {
		if got := decimal(c.n, c.places); got != c.want {
			t.Errorf("%d with %d places: %s, want %s", c.n, c.places, got, c.want)
		}
	}
}

// hostile is what nobody should call anything.
const hostile = "|a\\\\|b`c\\n## d\\n- e | f |<script>x</script></details>[g](h)*i*_j_$k$\u202e&lt;"

func TestHostileLabelsBreakNothing(t *testing.T) {
	pages := trial(t,
		`zh: "`, `zh: "`+hostile, `en: "`, `en: "`+hostile, `unit: "`, `unit: "`+hostile, `code: "`, `code: "`+hostile, `data_element: "`, `data_element: "`+hostile,
		`keys: "`, `keys: "`+hostile, `document: "`, `document: "`+hostile, `section: "1`, `section: "1`+hostile, `text: "`, `text: "`+hostile, `version: "`, `version: "`+hostile)
	for name, page := range pages {
		checkTables(t, name, page)
		for _, part := range []string{"<script", "\u202e", "\n## d", "\n- e", "[g](h)", "*i*"} {
			if strings.Contains(outsideCode(page), part) {
				t.Errorf("%s: %q stands on it as it came", name, part)
			}
		}
		if open, closed := strings.Count(page, "<details>"), strings.Count(outsideCode(page), "</details>"); open != closed {
			t.Errorf("%s: %d folds begin and %d end", name, open, closed)
		}
	}
	checkLinks(t, pages)
}

// TestTheCheckOfPagesIsSeenFailing shows the checks what they are for.
func TestTheCheckOfPagesIsSeenFailing(t *testing.T) {
	if tableFault("| a | b |\n|---|---|\n| c | d \\| e |\n") != "" {
		t.Error("an escaped pipe is no cell")
	}
	if tableFault("| a | b |\n|---|---|\n| c | d | e |\n") == "" {
		t.Error("a cell too many is not seen")
	}
	if broken := brokenLinks(map[string]string{"a/b.md": "# X\n\n[a](../c.md#y) [b](#x) [c](../d.md)\n", "c.md": "# Y\n"}); len(broken) != 1 || broken[0] != "a/b.md: ../d.md" {
		t.Errorf("broken links are %v", broken)
	}
	if broken := brokenLinks(map[string]string{"a.md": "# X\n\n# x\n"}); len(broken) != 1 {
		t.Errorf("two headings of one name are not seen: %v", broken)
	}
}

func TestPagesOfTodayAreWhole(t *testing.T) {
	pages := map[string]string{}
	for _, p := range today(t) {
		pages[p.Path] = p.Text
		checkTables(t, p.Path, p.Text)
		if most := 400_000; len(p.Text) > most { // GitHub shows files of more than 512 kB as plain text
			t.Errorf("%s has %d bytes, more than %d", p.Path, len(p.Text), most)
		}
	}
	if len(pages) < 2*30 {
		t.Errorf("only %d pages", len(pages))
	}
	checkLinks(t, pages)
}

func TestAnExpressionInLinesIsTheExpression(t *testing.T) {
	pack, err := loadPack()
	if err != nil {
		t.Fatal(err)
	}
	var longest int
	for _, e := range newBook(nil, pack, nil).entries {
		for _, f := range e.formulas {
			lines := layOut(f.expression, "")
			longest = max(longest, len(lines))
			for i := range lines {
				lines[i] = strings.TrimSpace(lines[i])
			}
			if got, want := strings.Join(lines, " "), strings.TrimSpace(f.expression); got != want {
				t.Errorf("%s: %s is laid out as\n%s", e.id, want, got)
			}
		}
	}
	if longest < 5 {
		t.Errorf("the longest expression has %d lines", longest)
	}
}

func TestAnExpressionIsBrokenWhereItBindsLoosest(t *testing.T) {
	a, b := strings.Repeat("a", 60), strings.Repeat("b", 60)
	for name, c := range map[string]struct{ in, want string }{
		"short":                   {"a && b", "a && b"},
		"or before and":           {a + " && c || " + b, a + " && c\n  || " + b},
		"a choice before or":      {a + " || c ? " + b + " : d", a + " || c\n  ? " + b + "\n  : d"},
		"not inside a text":       {"'" + a + " && " + b + "' == c && d", "'" + a + " && " + b + "' == c\n  && d"},
		"not inside escaped ones": {`"` + a + `\" && ` + b + `" == c && d`, `"` + a + `\" && ` + b + "\" == c\n  && d"},
		"inside parentheses last": {"f(" + a + " && " + b + ")", "f(" + a + "\n  && " + b + ")"},
		"no scraps":               {"f(" + a + b + ", x > 1 && x < 5)", "f(" + a + b + ", x > 1 && x < 5)"},
	} {
		if got := strings.Join(layOut(c.in, ""), "\n"); got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}

func checkTables(t *testing.T, name, page string) {
	t.Helper()
	if fault := tableFault(page); fault != "" {
		t.Errorf("%s: %s", name, fault)
	}
}

var unescapedPipe = regexp.MustCompile(`(?:^|[^\\])(?:\\\\)*\|`)

// tableFault returns the first row whose cells are not those of its table's head.
func tableFault(page string) string {
	want := 0
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "|") {
			want = 0
			continue
		}
		n := len(unescapedPipe.FindAllString(line, -1))
		if want == 0 {
			want = n
		}
		if n != want || !strings.HasSuffix(line, "|\n") {
			return "a row of other cells than its head: " + line
		}
	}
	return ""
}

var (
	codeBlock = regexp.MustCompile("(?s)\n(````*)\n.*?\n(````*)\n")
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	escaped   = regexp.MustCompile(`\\[\\` + "`" + `*_\[\]|~$#+=.)-]`)
)

// outsideCode returns a page without its code and without what is escaped.
func outsideCode(page string) string {
	return codeSpan.ReplaceAllString(escaped.ReplaceAllString(codeBlock.ReplaceAllString(page, "\n"), ""), "")
}

func checkLinks(t *testing.T, pages map[string]string) {
	t.Helper()
	for _, l := range brokenLinks(pages) {
		t.Error("a link leads nowhere, or a heading is there twice: " + l)
	}
}

var (
	linkTarget  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	headingLine = regexp.MustCompile(`(?m)^#+ (.*)$`)
	anchorMark  = regexp.MustCompile(`<a id="([^"]+)">`)
	unescape    = regexp.MustCompile(`\\(.)`)
)

// brokenLinks returns the links that lead to no page or heading, but for those out of
// the manual, and the headings that are on a page twice.
func brokenLinks(pages map[string]string) []string {
	var out []string
	anchors := map[string]bool{}
	for name, page := range pages {
		anchors[name] = true
		for _, m := range headingLine.FindAllStringSubmatch(codeBlock.ReplaceAllString(page, "\n"), -1) {
			at := name + "#" + slug(html.UnescapeString(unescape.ReplaceAllString(m[1], "$1")))
			if anchors[at] {
				out = append(out, at)
			}
			anchors[at] = true
		}
		for _, m := range anchorMark.FindAllStringSubmatch(page, -1) {
			anchors[name+"#"+m[1]] = true
		}
	}
	for name, page := range pages {
		for _, m := range linkTarget.FindAllStringSubmatch(outsideCode(page), -1) {
			file, anchor, _ := strings.Cut(m[1], "#")
			if strings.HasPrefix(file, "https:") || strings.Contains(file, "/proto/") || strings.HasSuffix(file, "REGISTERS.md") {
				continue
			}
			to := name
			if file != "" {
				to = path.Join(path.Dir(name), file)
			}
			if anchor != "" {
				to += "#" + anchor
			}
			if !anchors[to] {
				out = append(out, name+": "+m[1])
			}
		}
	}
	return out
}
