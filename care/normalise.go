// SPDX-License-Identifier: Apache-2.0

package care

import (
	"strings"
	"unicode"

	"github.com/xunzhen/xunzhen/care/hanzi"
)

// NormaliseNumber returns text as numbers of documents are compared: full-width
// characters narrow, letters large; blanks of all kinds, what has no width, and
// hyphens gone.
func NormaliseNumber(text string) string {
	return strings.Map(func(r rune) rune {
		r = narrow(r)
		switch {
		case blank(r), unicode.Is(unicode.Pd, r), r == '\u2212':
			return -1
		case r < unicode.MaxASCII:
			return unicode.ToUpper(r)
		}
		return r
	}, text)
}

// NormaliseName returns a name as names are compared: without the blanks that forms pad
// short names with, full-width characters narrow, letters large, and one sign for the
// many that stand between the parts of a name (阿依古丽·买买提), and traditional characters as
// simplified ones.
func NormaliseName(text string) string {
	return strings.Map(func(r rune) rune {
		r = narrow(r)
		switch {
		case blank(r):
			return -1
		case strings.ContainsRune(nameDots, r):
			return nameDot
		}
		return hanzi.FoldRune(unicode.ToUpper(r))
	}, text)
}

const (
	nameDot  = '·'
	nameDots = ".·•‧∙⋅・･․。｡"
)

// narrow returns the half-width form of a character.
func narrow(r rune) rune {
	if r >= '！' && r <= '～' {
		return r - '！' + '!'
	}
	return r
}

// blank reports whether nothing is seen of r: blanks, control characters, and what only
// directs the text around it. The last three are letters by their class, but empty.
func blank(r rune) bool {
	return unicode.IsSpace(r) || unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) ||
		r == '\u2800' || r == '\u3164' || r == '\uffa0'
}
