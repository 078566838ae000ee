package simtest
import "testing"
func TestZZFind(t *testing.T) {
	want := map[Fault]bool{"key succeeded too often, enrolled anew by a person": true, "device saw a later epoch": true, "older file noticed by a failed proof": true}
	for seed := uint64(1); seed < 6000 && len(want) > 0; seed++ {
		r := Run(Options{Seed: seed})
		if r.Violation != nil { t.Logf("VIOLATION %d %v", seed, r.Violation) }
		for f := range want { if r.Faults[f] > 0 { t.Logf("FOUND %d %s", seed, f); delete(want, f) } }
	}
	t.Log(want)
}
