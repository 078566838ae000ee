// SPDX-License-Identifier: Apache-2.0

package xunzhen_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// bugClasses is how many ways to lose or twist a save are known by number, B1 and on.
const bugClasses = 27

// Every bug class has a test that names it: in its own name, in the comment above it,
// or in one inside it. With -v the table is printed.
func TestEveryBugClassHasATest(t *testing.T) {
	tests := map[int][]string{}
	for name, classes := range namedClasses(t) {
		for _, class := range classes {
			tests[class] = append(tests[class], name)
		}
	}
	for class := 1; class <= bugClasses; class++ {
		if len(tests[class]) == 0 {
			t.Errorf("no test names B%d", class)
		}
		slices.Sort(tests[class])
		t.Logf("B%d: %s", class, strings.Join(tests[class], ", "))
		delete(tests, class)
	}
	for class, names := range tests {
		t.Errorf("B%d is no bug class, and %s name it", class, strings.Join(names, ", "))
	}
}

// namedClasses returns, for each test function of the module by folder and name, the
// bug classes that it names.
func namedClasses(t *testing.T) map[string][]int {
	t.Helper()
	out := map[string][]int{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "testdata"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		for _, f := range testsIn(file) {
			classes := append(classesInName(f.Name.Name), classesInText(commentsOf(file, f))...)
			slices.Sort(classes)
			out[fmt.Sprintf("%s.%s", filepath.Dir(path), f.Name.Name)] = slices.Compact(classes)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// testsIn returns the tests and fuzz tests of a file.
func testsIn(file *ast.File) []*ast.FuncDecl {
	var out []*ast.FuncDecl
	for _, d := range file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
			out = append(out, f)
		}
	}
	return out
}

// commentsOf returns the comment of a function and those inside it.
func commentsOf(file *ast.File, f *ast.FuncDecl) string {
	text := f.Doc.Text()
	for _, c := range file.Comments {
		if f.Pos() <= c.Pos() && c.End() <= f.End() {
			text += c.Text()
		}
	}
	return text
}

// classesInName reads names such as TestB05…, TestB8B9….
func classesInName(name string) []int {
	run := regexp.MustCompile(`^(?:Test|Fuzz)_?((?:B\d{1,2})+)`).FindStringSubmatch(name)
	if run == nil {
		return nil
	}
	return numbers(regexp.MustCompile(`B(\d+)`), run[1])
}

// classesInText reads words such as B5, B05 and B-5.
func classesInText(text string) []int {
	return numbers(regexp.MustCompile(`\bB-?(\d{1,2})\b`), text)
}

func numbers(pattern *regexp.Regexp, text string) []int {
	var out []int
	for _, found := range pattern.FindAllStringSubmatch(text, -1) {
		if n, err := strconv.Atoi(found[1]); err == nil {
			out = append(out, n)
		}
	}
	return out
}
