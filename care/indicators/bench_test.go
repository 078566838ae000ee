// SPDX-License-Identifier: Apache-2.0

package indicators

import (
	"testing"
	"time"
)

// limitOfAPerson is what decoding and judging one person may take on one core: 500,000 in two seconds.
const limitOfAPerson = 4 * time.Microsecond

// BenchmarkCounty decodes and judges the persons of the golden county, one each round, in all indicators.
func BenchmarkCounty(b *testing.B) {
	c, s := readCounty(b), settings(b)
	var raw [][]byte
	bytes := 0
	for _, p := range c.persons {
		raw = append(raw, p.facts(p.entries).Encode())
		bytes += len(raw[len(raw)-1])
	}
	q := c.questions[0].ask
	q.Explain = false
	e := NewEvaluator(q, s)
	var out []Outcome
	b.ReportAllocs()
	before := processorTime(b)
	b.ResetTimer()
	for i := range b.N {
		f, err := DecodeFacts(raw[i%len(raw)])
		if err != nil {
			b.Fatal(err)
		}
		out = e.Append(out[:0], &f)
	}
	b.ReportMetric(float64(processorTime(b)-before)/float64(b.N), "cpu-ns/person")
	b.ReportMetric(float64(bytes)/float64(len(raw)), "bytes/person")
	b.ReportMetric(float64(limitOfAPerson), "limit-ns/person")
}

// BenchmarkEvaluate judges decoded facts.
func BenchmarkEvaluate(b *testing.B) {
	c, s := readCounty(b), settings(b)
	var facts []Facts
	for _, p := range c.persons {
		facts = append(facts, p.facts(p.entries))
	}
	q := c.questions[0].ask
	q.Explain = false
	e := NewEvaluator(q, s)
	var out []Outcome
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		out = e.Append(out[:0], &facts[i%len(facts)])
	}
}

// BenchmarkExtract takes facts from records.
func BenchmarkExtract(b *testing.B) {
	c := readCounty(b)
	b.ReportAllocs()
	for i := range b.N {
		p := c.persons[i%len(c.persons)]
		p.facts(p.entries)
	}
}
