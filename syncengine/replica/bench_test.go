// SPDX-License-Identifier: Apache-2.0

package replica_test

import (
	"fmt"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// benchRecords is how many records the devices of these benchmarks share.
const benchRecords = 2000

func benchWorld(b *testing.B) (*world, *device) {
	w := newWorld(b)
	a := w.tablet("li", villageA)
	for i := range benchRecords {
		must(a.Save(b.Context(), replica.SaveRequest{
			Kind: kindPerson, Author: a.staff, Scope: villageA, Changes: thirtyFields(i),
		}))(w)
	}
	a.sync()
	return w, a
}

func thirtyFields(n int) []record.Change {
	var out []record.Change
	for f := range uint32(30) {
		out = append(out, record.Change{Path: record.Field(f + 1), Value: record.Of(fmt.Appendf(nil, "%d of %d", f, n))})
	}
	return out
}

func BenchmarkSave(b *testing.B) {
	w := newWorld(b)
	a := w.tablet("li", villageA)
	changes := thirtyFields(1)
	for b.Loop() {
		must(a.Save(b.Context(), replica.SaveRequest{Kind: kindPerson, Author: a.staff, Scope: villageA, Changes: changes}))(w)
	}
}

func BenchmarkFirstPull(b *testing.B) {
	w, _ := benchWorld(b)
	for b.Loop() {
		b.StopTimer()
		d := w.tablet("wang", villageA)
		b.StartTimer()
		d.sync()
	}
	b.ReportMetric(float64(b.N*benchRecords)/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkSyncWithNothingNew(b *testing.B) {
	_, a := benchWorld(b)
	for b.Loop() {
		a.sync()
	}
}

func BenchmarkList(b *testing.B) {
	w, a := benchWorld(b)
	for b.Loop() {
		if l := must(a.List(b.Context(), replica.Query{Kind: kindPerson}))(w); len(l) != benchRecords {
			b.Fatal(len(l))
		}
	}
}

// BenchmarkLent is a sync with a hub that lends benchRecords new records: all of them,
// none that is not borrowed yet, and a list of what was borrowed.
func BenchmarkLent(b *testing.B) {
	w := newWorld(b)
	a, c, h, _ := w.clinic()
	for i := range benchRecords {
		must(a.Save(b.Context(), replica.SaveRequest{
			Kind: kindPerson, Author: a.staff, Scope: villageA, Changes: thirtyFields(i),
		}))(w)
	}
	a.syncHub(h)
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			d := c.clone()
			b.StartTimer()
			if rep := d.syncHub(h); rep.Lent != benchRecords {
				b.Fatal(rep.Lent)
			}
		}
		b.ReportMetric(float64(b.N*benchRecords)/b.Elapsed().Seconds(), "saves/s")
	})
	c.syncHub(h)
	b.Run("nothing new", func(b *testing.B) {
		for b.Loop() {
			c.syncHub(h)
		}
	})
	b.Run("list", func(b *testing.B) {
		for b.Loop() {
			if l := must(c.List(b.Context(), replica.Query{Kind: kindPerson}))(w); len(l) != benchRecords+1 {
				b.Fatal(len(l))
			}
		}
	})
}
