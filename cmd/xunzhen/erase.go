// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// eraseCommand takes values away by legal order.
type eraseCommand struct {
	officeFlags
	ID     string `arg:"" help:"help_id" placeholder:"ID"`
	Save   string `arg:"" optional:"" help:"help_erase_save" placeholder:"DOT"`
	Author string `help:"help_erase_author" required:"" placeholder:"ID"`
	Reason string `help:"help_erase_reason" required:"" placeholder:"TEXT"`
	Yes    bool   `help:"help_restore_yes"`
}

// Run erases what is left of a record's saves, or of one of them. There is no way back,
// so a person types the record's id first.
func (f eraseCommand) Run(c *call) error {
	id, only, err := named(f.ID, f.Save)
	if err != nil {
		return err
	}
	if syncengine.IsAct(id.Kind()) {
		return problemf("problem_erase_kind", f.ID)
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		_, history, err := o.Get(c.ctx, id)
		if err != nil {
			return err
		}
		dots, err := erasable(history, only)
		if err != nil {
			return err
		}
		if len(dots) == 0 {
			c.line("erase_nothing")
			return nil
		}
		if err := f.confirm(c, len(dots)); err != nil {
			return err
		}
		for _, d := range dots {
			if err := o.Erase(c.ctx, id, d, f.Author, f.Reason); err != nil {
				return err
			}
		}
		c.line("erased", len(dots), f.ID)
		return nil
	})
}

// erasable returns the saves that still have values: of all, or of the one that is
// meant. What cannot be read may have some.
func erasable(history []*syncv1.Revision, only causal.Dot) ([]causal.Dot, error) {
	var out []causal.Dot
	found := only.IsZero()
	for _, r := range history {
		d, _, err := causal.DecodeDot(r.GetDot())
		if err != nil {
			return nil, err
		}
		if !only.IsZero() && d != only {
			continue
		}
		if found = true; !gone(r) {
			out = append(out, d)
		}
	}
	if !found {
		return nil, problemf("problem_no_such_save", only.String())
	}
	return out, nil
}

func gone(r *syncv1.Revision) bool {
	for _, change := range r.GetChanges() {
		if change.GetValue().GetForm() != syncv1.ValueForm_VALUE_FORM_ERASED {
			return false
		}
	}
	return len(r.GetChanges()) > 0
}

func (f eraseCommand) confirm(c *call, saves int) error {
	c.note("erase_does", saves, f.ID)
	if f.Yes {
		return nil
	}
	fmt.Fprint(c.Stderr, c.say("erase_ask"))
	typed, err := bufio.NewReader(c.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if id, err := record.ParseID(strings.TrimSpace(typed)); err != nil || id.String() != f.ID {
		return problemf("problem_erase_not_confirmed")
	}
	return nil
}
