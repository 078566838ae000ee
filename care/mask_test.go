// SPDX-License-Identifier: Apache-2.0

package care_test

import (
	"testing"

	"github.com/xunzhen/xunzhen/care"
)

func TestMasksKeepTheEndsOnly(t *testing.T) {
	for _, row := range []struct {
		name string
		mask func(string) string
		text string
		want string
	}{
		{"a number of 18", care.MaskNumber, "130403195003150016", "130403********0016"},
		{"a number of 11, the shortest with both ends", care.MaskNumber, "12345678901", "123456*8901"},
		{"a number of 10 keeps its end only", care.MaskNumber, "1234567890", "********90"},
		{"a mobile number", care.MaskPhone, "13800001234", "138****1234"},
		{"a number of 7 keeps its end only", care.MaskPhone, "6001234", "*****34"},
		{"one character shows nothing", care.MaskPhone, "6", "*"},
		{"nothing stays nothing", care.MaskPhone, "", ""},
		{"characters beyond ASCII count once", care.MaskPhone, "电话一二三四五六七八", "电话一***五六七八"},
	} {
		if got := row.mask(row.text); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}
