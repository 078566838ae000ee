// SPDX-License-Identifier: Apache-2.0

package register

import (
	"slices"
	"strings"

	"github.com/mozillazg/go-pinyin"
)

const (
	maxReadings = 2 // of one character
	maxVariants = 4 // of one name
	maxRead     = 8 // characters of a name that are read
)

// surnames are read otherwise at the beginning of a name than anywhere else. Source: 通用规范汉字字典 and the usual
// lists of surnames with another reading (姓氏异读) [K].
var surnames = map[string]string{
	"单": "shan", "仇": "qiu", "解": "xie", "曾": "zeng", "查": "zha", "朴": "piao", "覃": "qin", "任": "ren", "盖": "ge", "区": "ou",
	"华": "hua", "黑": "he", "乐": "yue", "翟": "zhai", "缪": "miao", "繁": "po", "秘": "bi", "薄": "bo", "员": "yun", "宓": "mi",
	"折": "she", "洗": "xian", "种": "chong", "祭": "zhai", "车": "che", "尉": "wei", "燕": "yan", "应": "ying", "宁": "ning", "冼": "xian",
	"召": "shao", "那": "na", "哈": "ha", "牟": "mu", "逄": "pang", "郗": "xi", "郇": "xun", "隗": "wei", "妫": "gui", "句": "gou",
	"过": "guo", "钻": "zuan", "訾": "zi", "眭": "sui", "能": "nai", "阚": "kan", "纪": "ji", "晟": "cheng", "适": "kuo", "撒": "sa",
	"万俟": "moqi", "尉迟": "yuchi", "单于": "chanyu", "长孙": "zhangsun", "澹台": "tantai", "鲜于": "xianyu", "宰父": "zaifu",
	"令狐": "linghu", "呼延": "huyan", "皇甫": "huangfu", "亓官": "qiguan",
}

// surnameSyllables are where the readings of two characters part.
var surnameSyllables = map[string][2]string{
	"moqi": {"mo", "qi"}, "yuchi": {"yu", "chi"}, "chanyu": {"chan", "yu"}, "zhangsun": {"zhang", "sun"}, "tantai": {"tan", "tai"},
	"xianyu": {"xian", "yu"}, "zaifu": {"zai", "fu"}, "linghu": {"ling", "hu"}, "huyan": {"hu", "yan"}, "huangfu": {"huang", "fu"},
	"qiguan": {"qi", "guan"},
}

// readings returns how a normalised name may be read, the likeliest way first: the syllables of each way, without tones,
// ü as u, because people type either, or v. A name of other writing than Chinese is read as it stands; what is neither is left out. Never empty syllables;
// none for a name that cannot be read.
func readings(name string) [][]string {
	chars := []rune(name)
	chars = chars[:min(len(chars), maxRead)]
	ways := [][]string{nil}
	for i := 0; i < len(chars); {
		options, n := readAt(chars, i)
		i += n
		if len(options) > 0 {
			ways = combine(ways, options)
		}
	}
	return slices.DeleteFunc(ways, func(w []string) bool { return len(w) == 0 })
}

// combine lets each way go on by each option, as long as there are not too many.
func combine(ways [][]string, options [][]string) [][]string {
	var out [][]string
	for _, option := range options { // all ways by the likeliest option come first
		for _, w := range ways {
			if len(out) < maxVariants {
				out = append(out, append(slices.Clone(w), option...))
			}
		}
	}
	return out
}

// readAt returns how what stands at i may be read, and how many characters that takes.
func readAt(chars []rune, i int) (options [][]string, n int) {
	if letter(chars[i]) {
		for n = i; n < len(chars) && letter(chars[n]); n++ { //nolint:revive // looks for the end
		}
		return [][]string{{strings.ReplaceAll(strings.ToLower(string(chars[i:n])), "v", "u")}}, n - i
	}
	if i == 0 && len(chars) > 2 {
		if parts, ok := surnameSyllables[surnames[string(chars[:2])]]; ok {
			return [][]string{parts[:]}, 2
		}
	}
	all := syllables(chars[i])
	if i == 0 && len(chars) > 1 && len(all) > 0 { // a surname: as the table says, or else as usual
		all = all[:1]
		if s, ok := surnames[string(chars[0])]; ok {
			all = []string{s, all[0]}
		}
	}
	for _, s := range all {
		same := func(o []string) bool { return o[0] == s }
		if len(options) < maxReadings && !slices.ContainsFunc(options, same) {
			options = append(options, []string{s})
		}
	}
	return options, 1
}

func letter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// syllables returns how one character may be read, the usual way first.
func syllables(r rune) (out []string) {
	for _, with := range strings.Split(pinyin.PinyinDict[int(r)], ",") {
		if plain, ok := foldPinyin(with); ok {
			out = append(out, plain)
		}
	}
	return out
}

// foldPinyin returns a text as pinyin is compared: small letters alone, ü, v and the yu of passports (lyu) as u, and what
// else people put between or on them left out; false when it is no pinyin.
func foldPinyin(text string) (string, bool) {
	var b strings.Builder
	for _, r := range strings.ToLower(text) {
		switch plain := toneless(r); {
		case plain >= 'a' && plain <= 'z':
			b.WriteRune(plain)
		case r == ' ', r == '\'', r == '’', r == '-', r == '·':
		default:
			return "", false
		}
	}
	folded := b.String()
	for _, passport := range [...]string{"lyu", "nyu"} {
		folded = strings.ReplaceAll(folded, passport, passport[:1]+"u")
	}
	return folded, folded != ""
}

func toneless(r rune) rune {
	if r < 0x80 && r != 'v' {
		return r
	}
	for _, row := range [...]struct {
		plain rune
		with  string
	}{{'a', "āáǎà"}, {'e', "ēéěè"}, {'i', "īíǐì"}, {'o', "ōóǒò"}, {'u', "ūúǔùüǖǘǚǜv"}} {
		if strings.ContainsRune(row.with, r) {
			return row.plain
		}
	}
	return r
}

// spellings returns the texts under which a person is found by pinyin: each way of reading joined, its initials, both
// without the first syllable, and the first syllable with the initials of the others: wangxiaoming, wxm, xiaoming, xm,
// wangxm. Sorted, each once.
func spellings(ways [][]string) []string {
	var out []string
	for _, w := range ways {
		for from := range min(2, len(w)) {
			out = append(out, strings.Join(w[from:], ""), initials(w[from:]))
		}
		out = append(out, w[0]+initials(w[1:]))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func initials(way []string) string {
	var b strings.Builder
	for _, s := range way {
		b.WriteByte(s[0])
	}
	return b.String()
}
