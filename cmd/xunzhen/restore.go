// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/server"
	"github.com/xunzhen/xunzhen/server/county"
)

// restoreCommand takes the file of a county that was put back as restored, or makes it
// from a backup.
type restoreCommand struct {
	dataFlag
	From       string `help:"help_restore_from" placeholder:"DIR"`
	Identity   string `help:"help_restore_identity" placeholder:"FILE"`
	Keys       string `help:"help_restore_keys" placeholder:"DIR"`
	Backup     uint64 `help:"help_restore_backup" placeholder:"N"`
	AcceptLoss bool   `help:"help_restore_accept"`
	County     string `help:"help_restore_county" placeholder:"CODE"`
	Author     string `help:"help_restore_author" required:"" placeholder:"ID"`
	Yes        bool   `help:"help_restore_yes"`
}

// Run begins a new epoch in a data folder that no server has, or makes the folder from a
// backup first. Nothing is changed before a person has confirmed it.
func (f restoreCommand) Run(c *call) (err error) {
	data, err := f.folder(c)
	if err != nil {
		return err
	}
	if f.From != "" {
		return f.fromBackup(c, data)
	}
	if found, err := county.Find(data); err != nil || len(found) == 0 {
		return problemf("problem_no_data", data)
	}
	s, err := server.New(c.ctx, server.Config{
		Data: data, Schema: care.Kinds(), Clock: c.Clock, Rand: c.Rand, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return explainOpen(err, data)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	one, err := f.which(s.Counties())
	if err != nil {
		return err
	}
	if err := f.confirm(c, one); err != nil {
		return err
	}
	if err := one.Engine.Restore(c.ctx, f.Author); err != nil {
		return err
	}
	c.line("restore_done", one.Code, one.Engine.Epoch().Number)
	return nil
}

// which returns the county that is meant; without a code the only one.
func (f restoreCommand) which(all []*county.County) (*county.County, error) {
	codes := make([]string, len(all))
	for i, one := range all {
		if one.Code == f.County || f.County == "" && len(all) == 1 {
			return one, nil
		}
		codes[i] = one.Code
	}
	return nil, &office.WhichCountyError{Codes: strings.Join(codes, ", ")}
}

// confirm says what a restore does and has somebody type the county's code, unless
// --yes was given.
func (f restoreCommand) confirm(c *call, one *county.County) error {
	c.note("restore_does", one.Code, one.Dir)
	if !one.Engine.Stopped() {
		c.note("restore_unnoticed")
	}
	return f.confirmCode(c, one.Code)
}

// confirmCode has somebody type a county's code, unless --yes was given.
func (f restoreCommand) confirmCode(c *call, code string) error {
	if f.Yes {
		return nil
	}
	fmt.Fprint(c.Stderr, c.say("restore_ask", code))
	typed, err := bufio.NewReader(c.Stdin).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if strings.TrimSpace(typed) != code {
		return problemf("problem_not_confirmed")
	}
	return nil
}
