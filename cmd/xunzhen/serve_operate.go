// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/metrics"
	"github.com/xunzhen/xunzhen/server/operate"
)

// operateFlag is where whoever runs the server looks at it.
type operateFlag struct {
	Operate string `help:"help_operate" placeholder:"HOST:PORT"`
}

// check refuses an address that says too little.
func (f operateFlag) check() error {
	if f.Operate == "" {
		return nil
	}
	if err := operate.CheckAddress(f.Operate); err != nil {
		return problemf("problem_operate_address", f.Operate)
	}
	return nil
}

// observe lets cfg's server be counted when anybody may look; else it returns nil.
func (f operateFlag) observe(cfg *server.Config) *metrics.Metrics {
	if f.Operate == "" {
		return nil
	}
	m := metrics.New(cfg.Clock, cfg.Log)
	cfg.Observer = m
	return m
}

// listen answers about s until close is called; it does nothing without metrics.
func (f operateFlag) listen(s *server.Server, m *metrics.Metrics, cfg server.Config) (address string, close func() error, err error) {
	if m == nil {
		return "", func() error { return nil }, nil
	}
	m.Watch(s)
	l, err := operate.Listen(operate.Config{
		Address: f.Operate, Metrics: m.Handler(), Ready: s.Ready, Clock: cfg.Clock, Log: cfg.Log,
	})
	if err != nil {
		return "", nil, &problem{key: "problem_operate_listen", args: []any{f.Operate}, cause: err}
	}
	return l.Address(), l.Close, nil
}

// announceOperate says where to look, when there is such a place.
func announceOperate(c *call, now office.Serving) {
	if now.Operate != "" {
		c.line("serve_operate", now.Operate)
	}
}
