// SPDX-License-Identifier: Apache-2.0

package causal

import "testing"

// Text that is read is written the same.
func FuzzParseDot(f *testing.F) {
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := ParseDot(s); err == nil && d.String() != s {
			t.Fatalf("%q is taken for %s", s, d)
		}
		if r, err := ParseReplicaID(s); err == nil && r.String() != s {
			t.Fatalf("%q is taken for %s", s, r)
		}
	})
}
