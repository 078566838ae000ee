// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

// devicesRevoke cuts a device off.
type devicesRevoke struct {
	officeFlags
	rulingFlags
	Device string `arg:"" help:"help_device" placeholder:"DEVICE"`
	Since  string `help:"help_revoke_since" placeholder:"TIME"`
	Yes    bool   `help:"help_restore_yes"`
}

// Run says what would be cut off, has that confirmed, and does it.
func (f devicesRevoke) Run(c *call) error {
	since, err := parseTime(f.Since)
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		d, err := c.device(o, f.Device)
		if err != nil {
			return err
		}
		plan, err := o.PlanRevocation(c.ctx, d.id, since)
		if err != nil {
			return err
		}
		c.tellPlan(d, plan)
		if err := c.confirmed(f.Yes, short(d.Replica)); err != nil {
			return err
		}
		if err := o.Revoke(c.ctx, d.id, since, f.ruling()); err != nil {
			return err
		}
		c.line("revoked", short(d.Replica))
		return nil
	})
}

func (c *call) device(o *office.Office, meant string) (device, error) {
	all, err := devicesAt(c, o)
	if err != nil {
		return device{}, err
	}
	return among(all, meant)
}

func (c *call) tellPlan(d device, plan *syncv1.PlanRevocationResponse) {
	c.note("revoke_does", short(d.Replica), d.Label, strings.Join(d.Staff, " "))
	if n := len(plan.GetReplicas()) - 1; n > 0 {
		c.note("revoke_successors", n)
	}
	c.note("revoke_counts", plan.GetSavesBefore(), plan.GetSavesAfter(), plan.GetSavesCut(), plan.GetRecordsCut())
}

// confirmed has somebody type a word, unless --yes was given.
func (c *call) confirmed(yes bool, word string) error {
	if yes {
		return nil
	}
	fmt.Fprint(c.Stderr, c.say("confirm_ask", word))
	typed, err := bufio.NewReader(c.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(typed) != word {
		return problemf("problem_not_typed", word)
	}
	return nil
}

// parseTime reads a local time; "" is the zero time.
func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, time.Local); err == nil {
			return t, nil
		}
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	return time.Time{}, problemf("problem_time", text)
}

// devicesExempt moves the fence on a device.
type devicesExempt struct {
	officeFlags
	rulingFlags
	Device  string `arg:"" help:"help_device" placeholder:"DEVICE"`
	History string `help:"help_exempt_history" placeholder:"HASH"`
}

// Run makes what the centre has of a device good, or one history of it.
func (f devicesExempt) Run(c *call) error {
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		d, err := c.device(o, f.Device)
		if err != nil {
			return err
		}
		var end segment.Hash
		if f.History != "" {
			if end, err = historyMeant(c, o, d.id, f.History); err != nil {
				return err
			}
		}
		if len(d.Fences) == 0 {
			return problemf("problem_not_revoked", short(d.Replica))
		}
		if err := o.Exempt(c.ctx, d.id, end, f.ruling()); err != nil {
			return err
		}
		c.line("exempted", short(d.Replica))
		return nil
	})
}

// historyMeant finds the history of a device that ends in a segment, by the beginning
// of its hash.
func historyMeant(c *call, o *office.Office, id causal.ReplicaID, meant string) (segment.Hash, error) {
	all, err := o.Forks(c.ctx)
	if err != nil {
		return segment.Hash{}, err
	}
	var found []segment.Hash
	for _, r := range all {
		for _, h := range r.GetHistories() {
			end := h.GetEnd().GetSegmentHash()
			if causal.ReplicaID(r.GetReplica()) == id && len(meant) >= 4 && strings.HasPrefix(fmt.Sprintf("%x", end), strings.ToLower(meant)) {
				found = append(found, segment.Hash(end))
			}
		}
	}
	if len(found) != 1 {
		return segment.Hash{}, problemf("problem_no_history", meant)
	}
	return found[0], nil
}

// devicesLift makes a device good again.
type devicesLift struct {
	officeFlags
	rulingFlags
	Device string `arg:"" help:"help_device" placeholder:"DEVICE"`
}

// Run lifts the fences on a device itself; those on others whose rights it continues
// are lifted there.
func (f devicesLift) Run(c *call) error {
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		d, err := c.device(o, f.Device)
		if err != nil {
			return err
		}
		own := slices.IndexFunc(d.Fences, func(on fence) bool { return on.Replica == d.Replica }) >= 0
		switch {
		case len(d.Fences) == 0:
			return problemf("problem_not_revoked", short(d.Replica))
		case !own:
			return problemf("problem_revoked_with", short(d.Replica), short(d.Fences[0].Replica))
		}
		if err := o.Lift(c.ctx, d.id, f.ruling()); err != nil {
			return err
		}
		c.line("lifted", short(d.Replica))
		return nil
	})
}

// devicesGap states what a device lost as gone, where its author cannot.
type devicesGap struct {
	officeFlags
	rulingFlags
	Device string `arg:"" help:"help_device" placeholder:"DEVICE"`
	Yes    bool   `help:"help_restore_yes"`
}

// Run shows what is missing, has that confirmed, and rules.
func (f devicesGap) Run(c *call) error {
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		d, err := c.device(o, f.Device)
		if err != nil {
			return err
		}
		var runs []causal.Range
		if d.MissingTo > 0 {
			runs = append(runs, causal.Range{Replica: d.id, From: d.MissingFrom, To: d.MissingTo})
			c.note("gap_missing", short(d.Replica), d.MissingFrom, d.MissingTo)
		}
		if d.Waiting > 0 {
			c.note("gap_waiting", d.Waiting)
		}
		if len(runs) == 0 && d.Waiting == 0 {
			return problemf("problem_no_gap", short(d.Replica))
		}
		c.note("gap_does")
		if err := c.confirmed(f.Yes, short(d.Replica)); err != nil {
			return err
		}
		if err := o.RuleGap(c.ctx, d.id, runs, f.ruling()); err != nil {
			return err
		}
		c.line("gap_ruled", short(d.Replica))
		return nil
	})
}
