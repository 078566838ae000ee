// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/xunzhen/xunzhen/cmd/xunzhen/bench"
)

// benchCommand measures what this machine can carry.
type benchCommand struct {
	Quick    bool   `help:"help_quick"`
	Follower string `help:"help_bench_follower" placeholder:"DIR"`
	Seed     uint64 `help:"help_bench_seed" default:"1" placeholder:"N"`
	Json     bool   `help:"help_bench_json"`
}

// Run measures and prints each figure beside its limit.
func (f benchCommand) Run(c *call) error {
	executable, err := c.Executable()
	if err != nil {
		return err
	}
	if f.Follower != "" {
		_, err = bench.Follower(c.ctx, bench.FollowerOptions{
			Data: f.Follower, Executable: executable, JSON: f.Json, Out: c.Stdout, Screen: c.screen(), Clock: c.Clock, Seed: f.Seed,
		})
		return err
	}
	_, err = bench.Run(c.ctx, bench.Options{
		Executable: executable, Quick: f.Quick, JSON: f.Json, Out: c.Stdout, Screen: c.screen(), Clock: c.Clock, Seed: f.Seed,
	})
	return err
}
