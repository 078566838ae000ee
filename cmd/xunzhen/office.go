// SPDX-License-Identifier: Apache-2.0

package main

import "github.com/xunzhen/xunzhen/cmd/xunzhen/office"

// officeFlags say which running server a command of the office is for, and which of
// its counties.
type officeFlags struct {
	dataFlag
	County string `help:"help_county" placeholder:"CODE"`
}

// open connects to the server that runs on the data folder, does f and hangs up.
func (f officeFlags) open(c *call, do func(*office.Office, office.ServingCounty) error) error {
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
