// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// forksCommand lists the devices under whose key two installations saved.
type forksCommand struct {
	officeFlags
	Json bool `help:"help_json"`
}

// forked is one of them. Times are UTC milliseconds by the centre's clock.
type forked struct {
	Replica   string        `json:"replica"`
	Pairs     [][2]sealed   `json:"pairs"` // segments that cannot both be of one history
	Histories []pastHistory `json:"histories"`
}

// sealed is a segment as the ledger has it.
type sealed struct {
	Hash       string `json:"hash"`
	First      uint64 `json:"first"`
	Last       uint64 `json:"last"`
	Index      uint64 `json:"ledger_index"`
	ReceivedMs int64  `json:"received_ms"`
}

// pastHistory is one run of segments that follow each other.
type pastHistory struct {
	End   sealed `json:"end"`
	First uint64 `json:"first"`
	Saves uint64 `json:"saves"`
	Held  uint64 `json:"held"`
}

// Run prints both histories of each, or JSON.
func (f forksCommand) Run(c *call) error {
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		list, err := o.Forks(c.ctx)
		if err != nil {
			return err
		}
		all := make([]forked, len(list))
		for i, m := range list {
			all[i] = forkedOf(m)
		}
		if f.Json {
			return c.json(all)
		}
		if len(all) == 0 {
			c.line("forks_none")
			return nil
		}
		for _, one := range all {
			if err := c.tellForked(one); err != nil {
				return err
			}
		}
		c.line("forks_exempt")
		return nil
	})
}

func forkedOf(m *syncv1.ForkedReplica) forked {
	f := forked{Replica: fmt.Sprintf("%x", m.GetReplica()), Pairs: [][2]sealed{}, Histories: []pastHistory{}}
	for _, p := range m.GetPairs() {
		f.Pairs = append(f.Pairs, [2]sealed{sealedOf(p.GetFirst()), sealedOf(p.GetSecond())})
	}
	for _, h := range m.GetHistories() {
		f.Histories = append(f.Histories, pastHistory{sealedOf(h.GetEnd()), h.GetFirstCounter(), h.GetSaves(), h.GetHeld()})
	}
	return f
}

func sealedOf(m *syncv1.DeviceSegment) sealed {
	return sealed{fmt.Sprintf("%x", m.GetSegmentHash()), m.GetFirstCounter(), m.GetLastCounter(), m.GetLedgerIndex(), m.GetReceivedAtMs()}
}

func (c *call) tellForked(f forked) error {
	c.line("forks_device", short(f.Replica))
	t := terminal.Table{Indent: 2, Head: []string{
		c.say("head_history"), c.say("head_counters"), c.say("head_saves"), c.say("head_held"), c.say("head_received"),
	}}
	for _, h := range f.Histories {
		t.Add(h.End.Hash[:16], fmt.Sprintf("%d–%d", h.First, h.End.Last), h.Saves, h.Held, c.moment(h.End.ReceivedMs))
	}
	return t.Write(c.Stdout)
}
