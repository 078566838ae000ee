// SPDX-License-Identifier: Apache-2.0

package tasks_test

import (
	"fmt"
	"testing"

	"github.com/xunzhen/xunzhen/care/quota"
	"github.com/xunzhen/xunzhen/server/tasks"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// TestAGreatCountysTreeIsOneTransaction divides among 300 villages with two doctors each.
func TestAGreatCountysTreeIsOneTransaction(t *testing.T) {
	w := newWorld(t)
	w.counts = nil
	for v := range 300 {
		for d := range 2 {
			w.counts = append(w.counts, quota.Count{
				Village: record.Division(fmt.Sprintf("130403%03d%03d", 1+v/25, 1+v%25)), Doctor: fmt.Sprintf("d%d", 2*v+d), Eligible: int64(50 + v%7),
			})
		}
	}
	o := order()
	o.Total = 30_000
	before := w.Engine.Position()
	if d := w.split(o); d.Added != 1+12+300+600 || len(d.Parts) != d.Added {
		t.Fatalf("%d added", d.Added)
	}
	if got := len(w.list(tasks.Query{Set: o.Set})); got != 913 || w.Engine.Position() != before+913 {
		t.Errorf("%d parts, position %d after %d", got, w.Engine.Position(), before)
	}
}
