// SPDX-License-Identifier: Apache-2.0

// Package words is what the program says, in Chinese and in English. A catalogue
// is a text file beside this one:
//
//	key = text
//		a line that begins with a tab goes on where the last one ended, on a new line
//
// with lines that begin with # left out. The one invariant, kept by a test: both
// catalogues have the same keys, and their texts take the same arguments.
package words

import (
	"embed"
	"fmt"
	"maps"
	"slices"
	"strings"
)

//go:embed en.txt zh.txt
var files embed.FS

// Language is a language that the program speaks.
type Language string

// The languages.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// Words are the texts of one language.
type Words struct {
	lang  Language
	texts map[string]string
}

// In returns the words of a language; every other than Chinese is English.
func In(lang Language) *Words {
	if lang != Chinese {
		lang = English
	}
	b, err := files.ReadFile(string(lang) + ".txt")
	if err != nil {
		return &Words{lang: lang} // embedded: a test reads both
	}
	return &Words{lang, parse(string(b))}
}

// Language returns which language these are.
func (w *Words) Language() Language { return w.lang }

// Say returns the text under key with its arguments in place. A key that is not
// there is returned itself: an odd word is better than none.
func (w *Words) Say(key string, args ...any) string {
	text, ok := w.texts[key]
	switch {
	case !ok:
		return key
	case len(args) == 0:
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Has reports whether there is a text under key.
func (w *Words) Has(key string) bool {
	_, ok := w.texts[key]
	return ok
}

// parse reads a catalogue. What is no entry is no text; tests look at that.
func parse(file string) map[string]string {
	texts := map[string]string{}
	last := ""
	for line := range strings.Lines(file) {
		line = strings.TrimRight(line, "\r\n")
		if more, ok := strings.CutPrefix(line, "\t"); ok && last != "" {
			texts[last] += "\n" + more
			continue
		}
		if strings.HasPrefix(line, "#") {
			continue
		}
		if key, text, ok := strings.Cut(line, " = "); ok {
			last = strings.TrimSpace(key)
			texts[last] = text
		}
	}
	return texts
}

// Choose returns the language for a --lang flag ("" for none) in an environment:
// what the flag says, else what LC_ALL, LC_MESSAGES or LANG say first, else
// English.
func Choose(flag string, env func(string) string) Language {
	if lang, ok := Parse(flag); ok {
		return lang
	}
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := env(name); value != "" {
			lang, _ := Parse(value)
			return lang
		}
	}
	return English
}

// Parse reads a language or a locale such as zh_CN.UTF-8, and says whether it is
// one that the program speaks; if not it returns English.
func Parse(locale string) (Language, bool) {
	switch l := strings.ToLower(locale); {
	case strings.HasPrefix(l, "zh"):
		return Chinese, true
	case strings.HasPrefix(l, "en"):
		return English, true
	}
	return English, false
}

// Keys returns every key, sorted.
func (w *Words) Keys() []string { return slices.Sorted(maps.Keys(w.texts)) }
