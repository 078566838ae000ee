// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"bytes"
	"testing"
)

// FuzzDecodeFacts wants bytes refused, or to be the one form of what they say; and no facts to stop an evaluation.
func FuzzDecodeFacts(f *testing.F) {
	c := readCounty(f)
	for _, p := range c.persons[:20] {
		f.Add(p.facts(p.entries).Encode())
	}
	for _, p := range readRows(f, "testdata/rows.txt").persons {
		f.Add(p.facts(p.entries).Encode())
	}
	s, q := settings(f), c.questions[0].ask
	f.Fuzz(func(t *testing.T, raw []byte) {
		facts, err := DecodeFacts(raw)
		if err != nil {
			return
		}
		if !bytes.Equal(facts.Encode(), raw) {
			t.Fatal("decoded facts are written otherwise")
		}
		Evaluate(facts, q, s)
		NewEvaluator(q, s).Work(nil, &facts)
		facts.Registered(0)
	})
}
