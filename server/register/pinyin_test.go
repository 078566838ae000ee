// SPDX-License-Identifier: Apache-2.0

package register

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestNamesAreReadAsTheyMayBe(t *testing.T) {
	for name, want := range map[string]string{
		"王小明":      "wang xiao ming",
		"单雄信":      "shan xiong xin",
		"仇和":       "qiu he",
		"尉迟恭":      "yu chi gong",
		"长孙无忌":     "zhang sun wu ji",
		"曾国藩":      "zeng guo fan",
		"解缙":       "xie jin",
		"覃露":       "qin lu",
		"朴智星":      "piao zhi xing",
		"任重":       "ren zhong",
		"吕布":       "lu bu",
		"阿依古丽·买买提": "a yi gu li mai mai ti",
		"TOM":      "tom",
		"李AB":      "li ab",
		"张":        "zhang",
	} {
		ways := readings(name)
		if len(ways) == 0 || len(ways) > maxVariants || strings.Join(ways[0], " ") != want {
			t.Errorf("%s: %v, want first %s", name, ways, want)
		}
	}
	for _, name := range []string{"", "·", "123", "😀"} {
		if ways := readings(name); len(ways) > 0 {
			t.Errorf("%q is read as %v", name, ways)
		}
	}
	for name, also := range map[string]string{"单雄信": "dan xiong xin", "任重": "ren chong", "曾国藩": "ceng guo fan", "张乐": "zhang yue"} {
		if !slices.ContainsFunc(readings(name), func(w []string) bool { return strings.Join(w, " ") == also }) {
			t.Errorf("%s is not read as %s: %v", name, also, readings(name))
		}
	}
}

func TestSpellingsAreWholeShortAndMixed(t *testing.T) {
	if got := spellings(readings("王小菊")); fmt.Sprint(got) != "[wangxiaoju wangxj wxj xiaoju xj]" {
		t.Error(got)
	}
	if got := spellings(readings("张")); fmt.Sprint(got) != "[z zhang]" {
		t.Error(got)
	}
	if got := spellings(nil); len(got) > 0 {
		t.Error(got)
	}
}

func TestPinyinIsComparedWithoutTonesAndSigns(t *testing.T) {
	for text, want := range map[string]string{
		"Wáng Xiǎomíng": "wangxiaoming", "xi'an": "xian", "lv": "lu", "lü": "lu", "LYU": "lu", "ou-yang": "ouyang", "nǚ": "nu",
	} {
		if got, ok := foldPinyin(text); !ok || got != want {
			t.Errorf("%q: %q, %t", text, got, ok)
		}
	}
	for _, text := range []string{"", " ", "王", "wang2", "w.x"} {
		if got, ok := foldPinyin(text); ok {
			t.Errorf("%q is pinyin %q", text, got)
		}
	}
}

// Each surname of the table is read, and none of two characters without knowing where its readings part.
func TestSurnamesOfTheTableAreReadSo(t *testing.T) {
	for name, want := range surnames {
		ways := readings(name + "明")
		first := strings.Join(ways[0], "")
		if !strings.HasPrefix(first, want) {
			t.Errorf("%s: %v, want %s", name, ways, want)
		}
	}
}
