// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"regexp"
	"strings"
	"unicode"

	"github.com/xunzhen/xunzhen/care/hanzi"
)

// gloss is pinyin in brackets behind a Chinese character, as converters leave it: 衛(wèi)生.
var gloss = regexp.MustCompile(`(\p{Han})[(（][a-züāáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹ]{1,7}[)）]`)

// Tidy returns text without what nobody meant: pinyin in brackets behind a character,
// characters without width, blanks at the ends; blanks of all kinds as one, and full-width
// letters, digits and brackets narrow. Tidy(Tidy(s)) == Tidy(s).
func Tidy(text string) string {
	plain := true
	for i := range len(text) {
		if c := text[i]; c >= 0x80 || c < 0x20 || c == '(' {
			plain = false
			break
		}
	}
	if !plain {
		text = strings.Map(tidyRune, text)
	}
	text = strings.Join(strings.Fields(text), " ")
	if plain {
		return text
	}
	for {
		shorter := gloss.ReplaceAllString(text, "$1")
		if shorter == text {
			return text
		}
		text = strings.Join(strings.Fields(shorter), " ")
	}
}

func tidyRune(r rune) rune {
	switch {
	case r >= '０' && r <= '９', r >= 'Ａ' && r <= 'Ｚ', r >= 'ａ' && r <= 'ｚ', strings.ContainsRune("（）－．／＋＃＊％＜＞＝", r):
		return r - '！' + '!'
	case unicode.IsSpace(r), r == '\u2800', r == '\u3164', r == '\uffa0':
		return ' '
	case unicode.Is(unicode.Cf, r), unicode.IsControl(r):
		return -1
	}
	return r
}

// same returns text as words are compared: tidy, simplified, small, without blanks and marks.
func same(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || strings.ContainsRune("*＊:：、，,。;；_-—\"'“”‘’", r) {
			return -1
		}
		return unicode.ToLower(hanzi.FoldRune(r))
	}, Tidy(text))
}

var bracketed = regexp.MustCompile(`[(\[【〔][^)\]】〕]*[)\]】〕]`)

// withoutBrackets leaves out what stands in brackets: units, remarks.
func withoutBrackets(text string) string { return bracketed.ReplaceAllString(text, "") }
