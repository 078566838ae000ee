// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/ledger"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// withdrawCommand takes a save out of its record, or decides that a held one stays
// held.
type withdrawCommand struct {
	officeFlags
	rulingFlags
	ID  string `arg:"" help:"help_id" placeholder:"ID"`
	Dot string `arg:"" help:"help_withdraw_dot" placeholder:"DOT"`
}

// Run withdraws a save that is stored: the centre itself would also take the name of
// one that never existed.
func (f withdrawCommand) Run(c *call) error {
	id, err := record.ParseID(f.ID)
	if err != nil {
		return problemf("problem_no_save", f.ID, f.Dot)
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		v, dot, err := f.find(c, o, id)
		switch {
		case err != nil:
			return err
		case v == ledger.Waiting:
			return problemf("problem_waits")
		case v == ledger.HeldWithdrawn:
			return problemf("problem_withdrawn")
		}
		if err := o.Withdraw(c.ctx, id, dot, f.ruling()); err != nil {
			return err
		}
		if v.Held() {
			c.line("withdrawn_held", f.ID, shortDot(dot.String()))
		} else {
			c.line("withdrawn", f.ID, shortDot(dot.String()))
		}
		return nil
	})
}

// find returns a stored save of a record and what the centre makes of it now.
func (f withdrawCommand) find(c *call, o *office.Office, id record.ID) (ledger.Verdict, causal.Dot, error) {
	_, history, err := o.Get(c.ctx, id)
	if err != nil {
		return 0, causal.Dot{}, err
	}
	for _, r := range history {
		dot, _, err := causal.DecodeDot(r.GetDot())
		if err == nil && strings.EqualFold(dot.String(), f.Dot) {
			return ledger.Verdict(r.GetVerdict()), dot, nil
		}
	}
	return 0, causal.Dot{}, problemf("problem_no_save", f.ID, f.Dot)
}
