// SPDX-License-Identifier: Apache-2.0

package rulepack_test

import (
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// cpu returns the CPU time that this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func BenchmarkFindingsOfAResidentOf40Records(b *testing.B) {
	pack, err := rulepack.Load()
	if err != nil {
		b.Fatal(err)
	}
	person := chronicPatient(pack)
	b.ReportAllocs()
	b.ResetTimer()
	began, n := cpu(), 0
	for b.Loop() {
		pack.Findings(person, today)
		n++
	}
	b.ReportMetric(float64(n)/(cpu()-began).Seconds(), "residents/cpu-s")
}

func BenchmarkLoad(b *testing.B) {
	began, n := cpu(), 0
	for b.Loop() {
		if _, err := rulepack.Load(); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric((cpu()-began).Seconds()*1000/float64(n), "cpu-ms/load")
}

// What the follower does when one follow-up was saved: the person is put together anew,
// and what the save may have changed is evaluated.
func BenchmarkUpdateAfterOneSaveOf40Records(b *testing.B) {
	pack, err := rulepack.Load()
	if err != nil {
		b.Fatal(err)
	}
	person := chronicPatient(pack)
	entries := person.Entries()
	at := slices.IndexFunc(entries, func(e rules.Entry) bool { return e.Kind == care.KindHypertensionFollowUp })
	findings := pack.Findings(person, today)
	b.ReportAllocs()
	b.ResetTimer()
	began, n := cpu(), 0
	for b.Loop() {
		findings = pack.Update(findings, rules.NewPerson(person.ID(), entries), []record.ID{entries[at].ID}, today)
		n++
	}
	b.ReportMetric(float64(n)/(cpu()-began).Seconds(), "residents/cpu-s")
}
