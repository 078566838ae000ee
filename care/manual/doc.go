// SPDX-License-Identifier: Apache-2.0

// Package manual writes what people read about forms and rules, in Chinese and in
// English: a page for each kind, a page of rules, and an index. Doctors read what a
// form asks and what the rules say of it; who writes a client finds names, numbers,
// ranges, code lists and registers.
//
//	kinds/README.md           every kind, and how to read the pages
//	kinds/zh/resident.md …    what a form asks, and which rules look at it
//	rules.zh.md, rules.en.md  thresholds, rules, proposals, populations, due rows
//
// The invariant: the pages are a function of the descriptors, the pack and the
// comments, and nothing stands on a page that is not in them. What is said of a form
// is mended in its .proto, what is said of a rule in its pack. Every link leads
// somewhere, and no text breaks a table, whatever it holds.
//
// The package reads and writes no file: a test holds the committed pages against it,
// and `go test ./care/manual -update` writes them.
package manual

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
)

// A Kind is a form to write a page about.
type Kind struct {
	Name    string // in the dictionary: "home_visit"
	Message protoreflect.MessageDescriptor
}

// A Page is a file to write.
type Page struct {
	Path string // under the folder of the manual, with slashes: "kinds/zh/resident.md"
	Text string // Markdown as GitHub reads it
}

// Pages returns the manual, ordered by path: of kinds, each with a kind option, and of
// a pack that was loaded, so that its rows are known to be whole.
func Pages(kinds []Kind, pack *carev1.RulePackContent, comments Comments) []Page {
	b := newBook(kinds, pack, comments)
	pages := []Page{b.index()}
	for _, l := range []language{chinese, english} {
		pages = append(pages, b.rulesPage(l))
		for _, k := range b.kinds {
			pages = append(pages, b.kindPage(l, k))
		}
	}
	slices.SortFunc(pages, func(a, b Page) int { return cmp.Compare(a.Path, b.Path) })
	return pages
}

// A book is what all pages are made from.
type book struct {
	kinds    []*kind // by number
	named    map[string]*kind
	pack     *carev1.RulePackContent
	entries  []entry
	comments Comments
}

// A kind is a form with what its pages say more than once.
type kind struct {
	Kind
	options *schemav1.KindOptions
	rows    []row
	looking map[string][]string // by the row's path: ids of the rows of the pack that look at it
}

func newBook(kinds []Kind, pack *carev1.RulePackContent, comments Comments) *book {
	b := &book{named: map[string]*kind{}, pack: pack, comments: comments}
	for _, one := range kinds {
		options, _ := proto.GetExtension(one.Message.Options(), schemav1.E_Kind).(*schemav1.KindOptions)
		k := &kind{Kind: one, options: options, rows: rowsOf(one.Message)}
		b.kinds = append(b.kinds, k)
		b.named[k.Name] = k
	}
	slices.SortFunc(b.kinds, func(a, b *kind) int { return cmp.Compare(a.options.GetNumber(), b.options.GetNumber()) })
	b.entries = b.entriesOf(pack)
	for _, k := range b.kinds {
		k.looking = b.lookers(k)
	}
	return b
}

// label returns what people call the kind.
func (k *kind) label(l language) string { return l.say(k.options.GetZh(), k.options.GetEn()) }

// A language is one that pages are written in, by its name in their paths.
type language string

const (
	chinese language = "zh"
	english language = "en"
)

// say returns what stands on a page in l.
func (l language) say(zh, en string) string {
	if l == chinese {
		return zh
	}
	return en
}

// other returns the language that l is not.
func (l language) other() language { return language(l.say(string(english), string(chinese))) }

// comma separates what is listed in a line.
func (l language) comma() string { return l.say("、", ", ") }

// semicolon separates what is said of one thing.
func (l language) semicolon() string { return l.say("；", "; ") }
