// SPDX-License-Identifier: Apache-2.0

package manual

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rulepack"
)

var update = flag.Bool("update", false, "write the pages under docs/")

const (
	docs   = "../../docs"
	protos = "../../proto"
	mend   = "run `make manual` (go test ./care/manual -update) and commit the result"
)

// readComments reads the sources of the forms.
func readComments() (Comments, error) {
	out := Comments{}
	files, err := filepath.Glob(protos + "/xunzhen/care/v1/*.proto")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		raw, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		out.Add(string(raw))
	}
	return out, nil
}

// loadPack loads the pack of this build once: it takes a while to compile.
var loadPack = sync.OnceValues(func() (*carev1.RulePackContent, error) {
	pack, err := rulepack.Load()
	if err != nil {
		return nil, err
	}
	return pack.Content(), nil
})

var makePages = sync.OnceValues(func() ([]Page, error) {
	pack, err := loadPack()
	if err != nil {
		return nil, err
	}
	comments, err := readComments()
	return Pages(kindsOfToday(), pack, comments), err
})

// today returns the manual of this build.
func today(t *testing.T) []Page {
	t.Helper()
	pages, err := makePages()
	if err != nil {
		t.Fatal(err)
	}
	return pages
}

func kindsOfToday() []Kind {
	var out []Kind
	for number, typ := range care.Types() {
		out = append(out, Kind{Name: care.NameOf(number), Message: typ.Descriptor()})
	}
	return out
}

func TestTheCommittedPagesAreWhatTheDescriptorsAndThePackSay(t *testing.T) {
	pages := today(t)
	if *update {
		write(t, pages)
	}
	for _, p := range pages {
		raw, err := os.ReadFile(filepath.Join(docs, p.Path))
		if err != nil {
			t.Errorf("docs/%s is missing: %s", p.Path, mend)
			continue
		}
		if string(raw) != p.Text {
			t.Errorf("docs/%s is not what forms and rules say now: %s", p.Path, mend)
		}
	}
	for _, name := range committed(t) {
		if !slices.ContainsFunc(pages, func(p Page) bool { return p.Path == name }) {
			t.Errorf("docs/%s is about nothing that there is: %s", name, mend)
		}
	}
}

// committed returns the pages that lie under docs/.
func committed(t *testing.T) []string {
	t.Helper()
	out, err := fs.Glob(os.DirFS(docs), "rules.*.md")
	if err != nil {
		t.Fatal(err)
	}
	err = fs.WalkDir(os.DirFS(docs), "kinds", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			out = append(out, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func write(t *testing.T, pages []Page) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(docs, "kinds")); err != nil {
		t.Fatal(err)
	}
	for _, p := range pages {
		name := filepath.Join(docs, p.Path)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(p.Text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestEveryDeclarationHasItsComment(t *testing.T) {
	c, err := readComments()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[protoreflect.FullName]bool{}
	var message func(protoreflect.MessageDescriptor)
	want := func(name protoreflect.FullName) {
		if c[name] == "" {
			t.Errorf("%s has no comment, or it is not found", name)
		}
	}
	message = func(m protoreflect.MessageDescriptor) {
		if seen[m.FullName()] || !strings.HasPrefix(string(m.FullName()), "xunzhen.care.v1.") {
			return
		}
		seen[m.FullName()] = true
		if !m.IsMapEntry() {
			want(m.FullName())
		}
		for i := range m.Fields().Len() {
			f := m.Fields().Get(i)
			if !m.IsMapEntry() {
				want(f.FullName())
			}
			if e := f.Enum(); e != nil {
				want(e.FullName())
				for i := range e.Values().Len() {
					want(e.Values().Get(i).FullName())
				}
			}
			if f.Message() != nil {
				message(f.Message())
			}
		}
	}
	for _, k := range kindsOfToday() {
		message(k.Message)
	}
	if len(seen) < 50 {
		t.Errorf("only %d messages looked at", len(seen))
	}
}
