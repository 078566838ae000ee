// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"log/slog"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/populate"
)

// populateCommand makes a county of invented people, to try out and to measure.
type populateCommand struct {
	Data      string `arg:"" help:"help_populate_data" placeholder:"DIR"`
	County    string `help:"help_populate_county" default:"431124" placeholder:"CODE"`
	Residents int    `help:"help_populate_residents" default:"5000" placeholder:"N"`
	Records   int    `help:"help_populate_records" placeholder:"N"`
	Ends      string `help:"help_populate_ends" placeholder:"DATE"`
	Seed      uint64 `help:"help_bench_seed" default:"1" placeholder:"N"`
	Json      bool   `help:"help_json"`
}

// recordsEach is how many records a resident has unless it is said.
const recordsEach = 10

// Run writes the county, or what is missing of it.
func (f populateCommand) Run(c *call) error {
	plan := populate.Plan{County: f.County, Residents: f.Residents, Records: f.Records, Ends: care.DateOf(c.Clock()), Seed: f.Seed}
	if plan.Records == 0 {
		plan.Records = recordsEach * f.Residents
	}
	if f.Ends != "" {
		day, err := care.ParseDate(f.Ends)
		if err != nil {
			return problemf("problem_populate_ends", f.Ends)
		}
		plan.Ends = day
	}
	r, err := populate.Run(c.ctx, populate.Options{
		Data: f.Data, Plan: plan, Rand: c.Rand, Log: slog.New(slog.NewTextHandler(c.Stderr, nil)), Screen: c.screen(), Clock: c.Clock,
	})
	switch {
	case errors.Is(err, populate.ErrPlan), errors.Is(err, populate.ErrRoom), errors.Is(err, populate.ErrFolder):
		return &problem{key: "problem_populate", args: []any{err.Error()}, cause: err}
	case err != nil && c.ctx.Err() != nil && r.Records > 0:
		return &problem{key: "problem_populate_cut", args: []any{r.Records, f.Data}, cause: err}
	case err != nil:
		return err
	}
	if f.Json {
		return c.json(r)
	}
	perSecond := 0
	if s := r.Took.Seconds(); s > 0 {
		perSecond = int(float64(r.Written) / s)
	}
	c.line("populate_done", r.Residents, r.Records, r.Tablets, r.Segments, r.Weeks, r.Bytes>>20, r.Took.Round(time.Second), perSecond)
	c.line("populate_serve", f.Data)
	return nil
}
