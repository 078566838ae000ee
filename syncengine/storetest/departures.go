// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"math"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func departurePromises() []promise {
	return []promise{
		{"departures are selected by position, division and class, in order of position", departuresSelect},
		{"a departure stands in place of an earlier one of the same record and division", departuresReplaced},
		{"a deleted departure is gone, and deleting none is no error", departuresDeleted},
		{"departures refuse a limit below 1", departuresLimit},
	}
}

func departure(n int, division record.Division, class record.Class, at syncengine.Position) syncengine.Departure {
	return syncengine.Departure{Record: sampleID(homeVisit, n), Division: division, Class: class, Position: at}
}

func departureWorld(t *testing.T, s syncengine.Store) {
	t.Helper()
	update(t, s, func(tx syncengine.Tx) {
		for _, d := range []syncengine.Departure{
			departure(5, elsewhere, 0, 6), departure(1, village, 1, 1), departure(4, elsewhere, 1, 5),
			departure(2, village, 2, 2), departure(3, neighbour, 1, 4), departure(1, neighbour, 1, 3),
		} {
			must(t, tx.PutDeparture(d))
		}
	})
}

func departuresSelect(t *testing.T, s syncengine.Store) {
	departureWorld(t, s)
	all, one := []record.Class{0, 1, 2}, []record.Class{1}
	for _, c := range []struct {
		name        string
		after, upTo syncengine.Position
		prefixes    []record.Division
		classes     []record.Class
		limit       int
		want        []syncengine.Position
	}{
		{"everything", 0, 0, anywhere(), all, 100, positions(1, 2, 3, 4, 5, 6)},
		{"after", 2, 0, anywhere(), all, 100, positions(3, 4, 5, 6)},
		{"after the greatest position there can be", math.MaxUint64, 0, anywhere(), all, 100, nil},
		{"up to", 0, 4, anywhere(), all, 100, positions(1, 2, 3, 4)},
		{"up to the greatest position there can be", 4, math.MaxUint64, anywhere(), all, 100, positions(5, 6)},
		{"between", 1, 3, anywhere(), all, 100, positions(2, 3)},
		{"limited", 1, 0, anywhere(), all, 2, positions(2, 3)},
		{"no division", 0, 0, nil, all, 100, nil},
		{"no class", 0, 0, anywhere(), nil, 100, nil},
		{"a village", 0, 0, []record.Division{village}, all, 100, positions(1, 2)},
		{"a township", 0, 0, []record.Division{"360121001"}, all, 100, positions(1, 2, 3, 4)},
		{"a township, limited to what is selected", 0, 0, []record.Division{"360122"}, all, 1, positions(5)},
		{"a class", 0, 0, anywhere(), one, 100, positions(1, 3, 4, 5)},
		{"two prefixes and a class", 1, 5, []record.Division{neighbour, elsewhere}, one, 100, positions(3, 4, 5)},
	} {
		view(t, s, func(r syncengine.Reader) {
			var have []syncengine.Position
			for _, d := range got[[]syncengine.Departure](t)(r.Departures(c.after, c.upTo, c.prefixes, c.classes, c.limit)) {
				have = append(have, d.Position)
			}
			if d := diff(c.want, have); d != "" {
				t.Errorf("%s (-want +read): %s", c.name, d)
			}
		})
	}
}

func departuresReplaced(t *testing.T, s syncengine.Store) {
	departureWorld(t, s)
	update(t, s, func(tx syncengine.Tx) {
		must(t, tx.PutDeparture(departure(1, village, 2, 7)), tx.PutDeparture(departure(4, elsewhere, 1, 8)))
	})
	haveDepartures(
		t, s,
		departure(2, village, 2, 2), departure(1, neighbour, 1, 3), departure(3, neighbour, 1, 4),
		departure(5, elsewhere, 0, 6), departure(1, village, 2, 7), departure(4, elsewhere, 1, 8),
	)
}

func departuresDeleted(t *testing.T, s syncengine.Store) {
	departureWorld(t, s)
	update(t, s, func(tx syncengine.Tx) {
		must(
			t,
			tx.DeleteDeparture(sampleID(homeVisit, 1), neighbour),
			tx.DeleteDeparture(sampleID(homeVisit, 1), neighbour),
			tx.DeleteDeparture(sampleID(homeVisit, 1), elsewhere),
			tx.DeleteDeparture(sampleID(homeVisit, 9), village),
			tx.DeleteDeparture(sampleID(homeVisit, 5), elsewhere),
		)
	})
	haveDepartures(
		t, s,
		departure(1, village, 1, 1), departure(2, village, 2, 2), departure(3, neighbour, 1, 4), departure(4, elsewhere, 1, 5),
	)
}

func haveDepartures(t *testing.T, s syncengine.Store, want ...syncengine.Departure) {
	t.Helper()
	view(t, s, func(r syncengine.Reader) {
		have := got[[]syncengine.Departure](t)(r.Departures(0, 0, anywhere(), classes(), 100))
		if d := diff(want, have); d != "" {
			t.Errorf("departures (-want +read): %s", d)
		}
	})
}

func departuresLimit(t *testing.T, s syncengine.Store) {
	view(t, s, func(r syncengine.Reader) {
		if _, err := r.Departures(0, 0, anywhere(), classes(), 0); err == nil {
			t.Error("limit 0: no error")
		}
	})
}
