// SPDX-License-Identifier: Apache-2.0

package populate_test

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"maps"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/populate"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

func plan() populate.Plan {
	return populate.Plan{County: "431124", Residents: 300, Records: 1500, Ends: 20260630, Seed: 7}
}

func options(t *testing.T, data string, p populate.Plan) populate.Options {
	return populate.Options{Data: data, Plan: p, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler), Clock: time.Now}
}

// look opens the county that was made.
func look(t *testing.T, data string, f func(*syncengine.Engine)) {
	t.Helper()
	s, err := server.New(t.Context(), server.Config{
		Data: data, Schema: care.Kinds(), Clock: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	f(s.Counties()[0].Engine)
}

// sums are the fingerprints of everything that tablets wrote.
func sums(t *testing.T, data string) (out map[syncengine.SumKey]syncengine.Sum) {
	look(t, data, func(e *syncengine.Engine) {
		var err error
		if out, err = e.Sums(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	maps.DeleteFunc(out, func(k syncengine.SumKey, _ syncengine.Sum) bool {
		return k.Class == record.ClassEveryone || k.Division == "431124000000" // the centre's own: certificates, targets
	})
	return out
}

// cutter cancels when progress has been shown some times.
type cutter struct {
	times  int
	cancel func()
}

func (c *cutter) Write(p []byte) (int, error) {
	if c.times--; c.times == 0 {
		c.cancel()
	}
	return len(p), nil
}

func TestARunThatWasCutOffGoesOnAndGivesTheSameCounty(t *testing.T) {
	whole, cut := t.TempDir(), t.TempDir()
	r, err := populate.Run(t.Context(), options(t, whole, plan()))
	if err != nil {
		t.Fatal(err)
	}
	if got := float64(r.Records) / float64(plan().Records); math.Abs(got-1) > 0.35 {
		t.Errorf("%d records, about %d were asked for", r.Records, plan().Records)
	}
	cuts := 0
	for {
		ctx, cancel := context.WithCancel(t.Context())
		o := options(t, cut, plan())
		o.Screen = &terminal.Screen{Out: &cutter{60, cancel}, Terminal: true, Clock: func() time.Time { return time.Now().AddDate(cuts, 0, 0) }}
		tick := time.Now()
		o.Screen.Clock = func() time.Time { tick = tick.Add(time.Second); return tick } // draws each time
		_, err := populate.Run(ctx, o)
		cancel()
		if err == nil {
			break
		}
		if cuts++; !errors.Is(err, context.Canceled) || cuts > 20 {
			t.Fatalf("cut %d: %v", cuts, err)
		}
	}
	if cuts == 0 {
		t.Fatal("nothing was cut off")
	}
	a, b := sums(t, whole), sums(t, cut)
	if len(a) == 0 || !maps.Equal(a, b) {
		t.Errorf("after %d cuts the county is another one: %d and %d sums", cuts, len(a), len(b))
	}
	look(t, cut, func(e *syncengine.Engine) {
		report, err := e.Verify(t.Context(), syncengine.VerifyOptions{Replay: true})
		if err != nil || len(report.Violations) > 0 {
			t.Errorf("verify: %v %v", err, report.Violations)
		}
	})
	again, err := populate.Run(t.Context(), options(t, cut, plan()))
	if err != nil || again.Written != 0 || again.Records != r.Records {
		t.Errorf("a run with nothing to do wrote %d of %d records: %v", again.Written, again.Records, err)
	}
}

func TestAFolderOfSomethingElseIsLeftAlone(t *testing.T) {
	data := t.TempDir()
	s, err := server.New(t.Context(), server.Config{
		Data: data, Schema: care.Kinds(), Clock: time.Now, Rand: rand.Reader, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.County(t.Context(), "431124"); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	if _, err := populate.Run(t.Context(), options(t, data, plan())); !errors.Is(err, populate.ErrFolder) {
		t.Errorf("a county that has people: %v", err)
	}
	mine := t.TempDir()
	p := plan()
	p.Residents, p.Records = 10, 30
	if _, err := populate.Run(t.Context(), options(t, mine, p)); err != nil {
		t.Fatal(err)
	}
	p.Seed++
	if _, err := populate.Run(t.Context(), options(t, mine, p)); !errors.Is(err, populate.ErrFolder) {
		t.Errorf("a county of another plan: %v", err)
	}
	if err := os.WriteFile(filepath.Join(mine, "populate.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := populate.Run(t.Context(), options(t, mine, p)); !errors.Is(err, populate.ErrFolder) {
		t.Errorf("a damaged state: %v", err)
	}
}

func TestPlansThatCannotBeWritten(t *testing.T) {
	for name, change := range map[string]func(*populate.Plan){
		"nobody":                 func(p *populate.Plan) { p.Residents = 0 },
		"one record each":        func(p *populate.Plan) { p.Records = p.Residents },
		"more than thirty years": func(p *populate.Plan) { p.Records = 100 * p.Residents },
		"an unknown county":      func(p *populate.Plan) { p.County = "110101" },
		"no day":                 func(p *populate.Plan) { p.Ends = 20260231 },
	} {
		p := plan()
		change(&p)
		data := filepath.Join(t.TempDir(), "new")
		if _, err := populate.Run(t.Context(), options(t, data, p)); !errors.Is(err, populate.ErrPlan) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(data); err == nil {
			t.Errorf("%s: a folder was made", name)
		}
	}
}

var _ io.Writer = (*cutter)(nil)
