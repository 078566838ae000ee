// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
)

// statusText returns what status says of a county.
func statusText(s countyStatus) string {
	var out bytes.Buffer
	c := &call{Program: Program{Stdout: &out}, words: words.In(words.English)}
	c.tellCounty(s, "data")
	return out.String()
}

func TestStatusIsLoudAboutWhatMattersAndShortAboutTheRest(t *testing.T) {
	many := make([]deviceStatus, 25)
	for i := range many {
		many[i] = deviceStatus{Replica: strings.Repeat("0", 32), Label: fmt.Sprintf("tablet %d", i), Staff: []string{"li"}}
	}
	for name, row := range map[string]struct {
		status countyStatus
		says   []string
		not    []string
	}{
		"no backup at all": {
			countyStatus{County: "130403", Epoch: 1}, []string{"NO BACKUP"}, []string{"restore", "held"},
		},
		"a good one": {
			countyStatus{County: "130403", Epoch: 1, Backup: backupStatus{Number: 3, Folder: "/mnt", EveryMs: 3_600_000}},
			[]string{"number 3", "/mnt, every 1h"},
			[]string{"!", "***"},
		},
		"an old one, and the last try failed": {
			countyStatus{County: "130403", Epoch: 1, Backup: backupStatus{Number: 3, Folder: "/mnt", Overdue: true, FailedMs: 1, Failed: "no room"}},
			[]string{"NO GOOD BACKUP FOR TOO LONG", "no room"},
			nil,
		},
		"stopped": {countyStatus{County: "130403", Epoch: 1, Stopped: true}, []string{"STOPPED", "xunzhen restore"}, nil},
		"many not heard of since a restore": {
			countyStatus{County: "130403", Epoch: 2, Restored: &refillStatus{NotHeard: many, SeenLedger: 9, Broken: true}},
			[]string{"tablet 19", "5 more", "lost one was seen with 9 entries"},
			[]string{"tablet 20"},
		},
		"findings that follow": {
			countyStatus{County: "130403", Epoch: 1, Backup: backupStatus{Number: 3, Folder: "/mnt"}, Findings: &findingsStatus{Pack: "national 3", AsOf: "2026-03-01", Sets: 7}},
			[]string{"findings about 7 records, by national 3, as of 2026-03-01"},
			[]string{"!", "still"},
		},
		"findings in trouble": {
			countyStatus{County: "130403", Epoch: 1, Findings: &findingsStatus{Behind: 3, Queued: 2, Refused: "id", RefusedWhy: "line 4", FailedMs: 1, Failed: "disk", PassedOver: 5}},
			[]string{"3 changes, 2 residents", "record id", "line 4", "since the start: 5", "do not follow", "disk"},
			nil,
		},
		"all is back": {
			countyStatus{County: "130403", Epoch: 2, Held: 4, Restored: &refillStatus{SeenLedger: 9}},
			[]string{"everybody has said hello", "proven by its root", "held: 4"},
			nil,
		},
	} {
		out := statusText(row.status)
		for _, w := range row.says {
			if !strings.Contains(out, w) {
				t.Errorf("%s: does not say %q:\n%s", name, w, out)
			}
		}
		for _, w := range row.not {
			if strings.Contains(out, w) {
				t.Errorf("%s: says %q:\n%s", name, w, out)
			}
		}
	}
}
