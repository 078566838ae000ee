// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/transport"
)

// rulesPublishCommand makes a pack the county's: the office saves it, and it comes to every tablet.
type rulesPublishCommand struct {
	officeFlags
	Files  []string `arg:"" optional:"" name:"file" help:"help_rules_files"`
	Author string   `help:"help_rules_author" required:"" placeholder:"ID"`
}

// Run checks the pack and saves it over the county's present one. Nothing is saved where
// the county works by it already.
func (f rulesPublishCommand) Run(c *call) error {
	pack, err := loadRules(c, f.Files)
	if err != nil {
		return err
	}
	form, err := pack.Record()
	if errors.Is(err, rules.ErrPack) {
		return tellFaults(c, err)
	} else if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, county office.ServingCounty) error {
		id := rules.RecordID(county.Code)
		shown, err := registersIfThere(c, o, id)
		if err != nil {
			return err
		}
		changes, err := care.Diff(care.KindRulePack, shown, form)
		if err != nil {
			return err
		}
		if len(changes) == 0 {
			c.line("rules_published_before", county.Code, pack.Name(), pack.Version())
			return nil
		}
		if len(shown) == 0 {
			changes = append(changes, record.Change{Path: record.PathLife, Value: record.Active()})
		}
		if _, err := o.Save(c.ctx, id, f.Author, changes); err != nil {
			return err
		}
		c.line("rules_published", county.Code, pack.Name(), pack.Version())
		return nil
	})
}

// registersIfThere is registersAt for a record that may not be there yet: then it has none.
func registersIfThere(c *call, o *office.Office, id record.ID) ([]record.Register, error) {
	shown, err := registersAt(c, o, id)
	if r, ok := transport.RefusalOf(err); ok && r.Reason == syncv1.Reason_REASON_NOT_FOUND {
		return nil, nil
	}
	return shown, err
}
