// SPDX-License-Identifier: Apache-2.0

package main

import (
	"time"

	"github.com/xunzhen/xunzhen/tablet"
)

// tabletBundle is a tablet's side of files that are carried by hand.
type tabletBundle struct {
	Export tabletBundleExport `cmd:"" help:"help_tablet_bundle_export"`
	Import tabletBundleImport `cmd:"" help:"help_tablet_bundle_import"`
}

// tabletBundleExport writes a file for the centre.
type tabletBundleExport struct {
	tabletFlags
	Path   string `arg:"" optional:"" default:"." help:"help_bundle_path" placeholder:"FILE|DIR"`
	Locked bool   `help:"help_bundle_locked"`
}

// Run writes the file and says where it is.
func (f tabletBundleExport) Run(c *call) error {
	open := f.open
	if f.Locked {
		open = f.openLocked
	}
	return open(c, func(t *tablet.Tablet) error {
		o, end := c.bundleOptions()
		out, err := t.ExportBundle(c.ctx, f.Path, o)
		end("")
		if err != nil {
			return err
		}
		c.line("bundle_written", out.Path, out.Saves, (out.Bytes+1023)/1024)
		c.line("bundle_carry")
		return nil
	})
}

// tabletBundleImport takes the centre's answers.
type tabletBundleImport struct {
	tabletFlags
	Files []string `arg:"" name:"file" help:"help_bundle_answer_files" placeholder:"FILE"`
	Json  bool     `help:"help_json"`
}

// Run takes one file after the other. It fails when one of them was not whole, after
// taking all.
func (f tabletBundleImport) Run(c *call) error {
	return f.open(c, func(t *tablet.Tablet) error {
		var errs []error
		all := []*tablet.BundleAnswer{}
		for _, file := range f.Files {
			o, end := c.bundleOptions()
			answer, err := t.ImportBundle(c.ctx, file, o)
			end("")
			if err != nil {
				errs = append(errs, err)
				continue
			}
			if all = append(all, answer); answer.BrokenOff {
				errs = append(errs, &problem{key: "problem_bundle_broken", args: []any{file}})
			}
			if !f.Json {
				c.tellAnswer(file, answer)
			}
		}
		if f.Json {
			if err := c.json(all); err != nil {
				return err
			}
		}
		if err := count(t); err != nil {
			errs = append(errs, err)
		}
		return c.failedEach(errs)
	})
}

func (c *call) tellAnswer(file string, a *tablet.BundleAnswer) {
	c.line("bundle_taken", file, time.UnixMilli(a.MadeAtMs).Local().Format("2006-01-02 15:04"), a.Sync.Acks, a.Sync.Received, a.Sync.Departures)
	switch {
	case a.Fits == tablet.FitsNot:
		c.line("bundle_fits_not")
	case a.Fits == tablet.FitsPartly:
		c.line("bundle_fits_partly")
	case a.Sync.Complete:
		c.line("sync_complete")
	}
	for _, happened := range []struct {
		it  bool
		key string
	}{
		{a.Sync.NewEpoch, "bundle_new_epoch"},
		{a.Sync.Revoked, "warn_revoked"},
		{a.Sync.Renewed, "bundle_renewed"},
		{a.Sync.Blocked > 0, "bundle_blocked"},
		{a.Sync.Forked, "warn_forked"},
	} {
		if happened.it {
			c.line(happened.key)
		}
	}
}

// bundleOptions show progress as that of a sync.
func (c *call) bundleOptions() (*tablet.BundleOptions, func(string)) {
	p := &syncProgress{call: c}
	return &tablet.BundleOptions{Progress: p}, p.end
}
