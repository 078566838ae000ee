// SPDX-License-Identifier: Apache-2.0

package segment

import (
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/record"
)

// benchSaves is about one full segment of ordinary saves: new records of some 400
// bytes, one shape.
func benchSaves(b *testing.B) []Sealable {
	c := newChart(b, key("tablet"))
	var out []Sealable
	for i := range 130 {
		out = append(out, c.save(recordID(b, string(rune(i))), form(30, 300)...))
	}
	return out[:Plan(out)]
}

// benchEdits is the same of second saves: each has parents and a shape of its own.
func benchEdits(b *testing.B) []Sealable {
	c := newChart(b, key("tablet"))
	var first []Sealable
	for i := range 60 {
		first = append(first, c.save(recordID(b, string(rune(i))), form(30, 300)...))
	}
	var out []Sealable
	for _, f := range first {
		out = append(out, c.save(f.Revision.Record, form(30, 300, f.Revision.Dot)...))
	}
	return out[:Plan(out)]
}

func benchSegment(b *testing.B, revs []Sealable) *Segment {
	h := header()
	h.First = revs[0].Revision.Dot.Counter
	s, err := Seal(key("tablet"), h, revs)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func perRevision(b *testing.B, n int) {
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/revision")
	b.ReportMetric(float64(n), "revisions")
}

func BenchmarkSeal(b *testing.B) {
	revs := benchSaves(b)
	b.ReportAllocs()
	for b.Loop() {
		benchSegment(b, revs)
	}
	perRevision(b, len(revs))
}

func BenchmarkOpen(b *testing.B) {
	for name, make := range map[string]func(*testing.B) []Sealable{"new records": benchSaves, "edits": benchEdits} {
		b.Run(name, func(b *testing.B) {
			wire := benchSegment(b, make(b)).Bytes()
			n := 0
			b.ReportAllocs()
			b.SetBytes(int64(len(wire)))
			for b.Loop() {
				s, err := Open(wire)
				if err != nil {
					b.Fatal(err)
				}
				n = s.Len()
			}
			perRevision(b, n)
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	s := benchSegment(b, benchSaves(b))
	pub := key("tablet").Public()
	b.ReportAllocs()
	for b.Loop() {
		if err := s.Verify(pub); err != nil {
			b.Fatal(err)
		}
	}
	perRevision(b, s.Len())
}

// BenchmarkRevision reads every revision of a freshly opened segment once, as the
// centre does; opening is not counted.
func BenchmarkRevision(b *testing.B) {
	for name, make := range map[string]func(*testing.B) []Sealable{"new records": benchSaves, "edits": benchEdits} {
		b.Run(name, func(b *testing.B) {
			s := benchSegment(b, make(b))
			b.ReportAllocs()
			for b.Loop() {
				for k := range s.columns.shapes {
					s.columns.shapes[k] = shape{raw: s.columns.shapes[k].raw}
				}
				for i := range s.Len() {
					if _, err := s.Revision(i); err != nil {
						b.Fatal(err)
					}
				}
			}
			perRevision(b, s.Len())
		})
		b.Run(name+" in one buffer", func(b *testing.B) {
			s := benchSegment(b, make(b))
			var buf []record.Change
			b.ReportAllocs()
			for b.Loop() {
				for i := range s.Len() {
					r, err := s.RevisionIn(i, buf)
					if err != nil {
						b.Fatal(err)
					}
					buf = r.Changes
				}
			}
			perRevision(b, s.Len())
		})
	}
}

func BenchmarkCompress(b *testing.B) {
	s := benchSegment(b, benchSaves(b))
	c := NewCompressor()
	stored := c.Compress(s.Bytes())
	b.ReportAllocs()
	b.SetBytes(int64(len(s.Bytes())))
	for b.Loop() {
		c.Compress(s.Bytes())
	}
	perRevision(b, s.Len())
	b.ReportMetric(float64(len(stored))/float64(s.Len()), "stored-bytes/revision")
}

func BenchmarkDecompress(b *testing.B) {
	s := benchSegment(b, benchSaves(b))
	c := NewCompressor()
	stored := c.Compress(s.Bytes())
	b.ReportAllocs()
	b.SetBytes(int64(len(s.Bytes())))
	for b.Loop() {
		if _, err := c.Decompress(stored); err != nil {
			b.Fatal(err)
		}
	}
	perRevision(b, s.Len())
}
