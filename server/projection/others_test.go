// SPDX-License-Identifier: Apache-2.0

package projection

import (
	"testing"
	"time"
)

func TestAStepRestsAfterOthersWereServed(t *testing.T) {
	const took = 100 * time.Millisecond
	for name, row := range map[string]struct {
		before, after traffic
		busy          bool
	}{
		"nobody":                     {traffic{}, traffic{}, false},
		"somebody saved":             {traffic{position: 1}, traffic{position: 2}, true},
		"pages for a tenth of it":    {traffic{served: time.Second}, traffic{served: time.Second + took/10}, true},
		"pages for less":             {traffic{served: time.Second}, traffic{served: time.Second + took/10 - 1}, false},
		"a page all the time":        {traffic{running: true}, traffic{running: true}, true},
		"a page that has just begun": {traffic{}, traffic{running: true}, false},
	} {
		if got := row.after.busy(row.before, took); got != row.busy {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestOthersCountHowLongTheyAreServed(t *testing.T) {
	var nobody *Others
	nobody.Begin()()
	var o Others
	end := o.Begin()
	if o.running.Load() != 1 {
		t.Error("nobody is served")
	}
	end()
	if o.running.Load() != 0 || o.served.Load() < 0 {
		t.Errorf("%d served, for %d ns", o.running.Load(), o.served.Load())
	}
}
