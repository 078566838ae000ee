// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
)

// officeFlags say which running server a command of the office is for, and which of
// its counties; or which desk asks.
type officeFlags struct {
	dataFlag
	County string `help:"help_county" placeholder:"CODE"`
	deskFlag
}

// deskFlag says which desk asks.
type deskFlag struct {
	Desk string `help:"help_desk_dir" placeholder:"DIR"`
}

const (
	deskVariable = "XUNZHEN_DESK"
	usualDesk    = "xunzhen-desk"
)

// folderOf returns the desk's folder: the flag's, the environment's, or the usual one.
func (f deskFlag) folderOf(c *call) string { return cmp.Or(f.Desk, c.Env(deskVariable), usualDesk) }

// atDesk reports whether a desk asks: one that is named, or else one that is in the usual place where no data folder
// is named or in its usual place.
func (f officeFlags) atDesk(c *call) bool {
	switch {
	case f.Desk != "":
		return true
	case f.Data != "":
		return false
	case c.Env(deskVariable) != "":
		return true
	case c.Env(dataVariable) != "":
		return false
	}
	_, err := office.ReadServing(usualData)
	return err != nil && office.DeskExists(usualDesk)
}

// open connects to the server that runs on the data folder, or as a desk to its county's, does f and hangs up.
func (f officeFlags) open(c *call, do func(*office.Office, office.ServingCounty) error) error {
	if f.atDesk(c) {
		return f.openDesk(c, do)
	}
	data, err := f.folder(c)
	if err != nil {
		return err
	}
	running, err := office.ReadServing(data)
	if err != nil {
		return err
	}
	one, err := running.County(f.County)
	if err != nil {
		return err
	}
	o, err := running.Connect(one.Code)
	if err != nil {
		return err
	}
	defer o.Close() //nolint:errcheck // nothing is lost with it
	return do(o, one)
}

func (f deskFlag) openDesk(c *call, do func(*office.Office, office.ServingCounty) error) error {
	dir := f.folderOf(c)
	if !office.DeskExists(dir) {
		return problemf("problem_no_desk", dir)
	}
	d, err := office.OpenDesk(dir)
	if err != nil {
		return err
	}
	o, err := d.Connect()
	if err != nil {
		return err
	}
	defer o.Close() //nolint:errcheck // nothing is lost with it
	return do(o, office.ServingCounty{Code: d.County(), Shard: d.Certificate().Shard.String(), Dir: dir})
}
