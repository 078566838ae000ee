// SPDX-License-Identifier: Apache-2.0

package register

import "testing"

// What DecodePlace reads, Append writes again, whatever a caller sends for a page token.
func FuzzDecodePlace(f *testing.F) {
	f.Add([]byte{})
	f.Add(Place{kind: 'p', text: "wangxm", Ref: 7}.Append(nil))
	f.Add(Place{kind: 'd', part: 2, number: 130403001001, Ref: 1 << 40}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePlace(b)
		if err != nil {
			return
		}
		if again, err := DecodePlace(p.Append(nil)); err != nil || again != p {
			t.Errorf("%+v is read again as %+v, %v", p, again, err)
		}
	})
}
