// SPDX-License-Identifier: Apache-2.0

package hanzi

import "testing"

func TestTraditionalCharactersAreComparedAsSimplifiedOnes(t *testing.T) {
	for from, want := range map[string]string{
		"西洲街道社區衛生服務中心": "西洲街道社区卫生服务中心", "張試豐": "张试丰", "道縣": "道县",
		"张试丰": "张试丰", "": "", "abc·1": "abc·1",
	} {
		if got := Fold(from); got != want {
			t.Errorf("%s: %s, want %s", from, got, want)
		}
	}
}

func TestFoldingTwiceIsFoldingOnce(t *testing.T) {
	if n := len(table()); n < 3000 {
		t.Fatalf("%d characters: the table is not whole", n)
	}
	for from := range table() {
		if once := FoldRune(from); FoldRune(once) != once {
			t.Errorf("%c folds to %c, and that to %c", from, once, FoldRune(once))
		}
	}
}
