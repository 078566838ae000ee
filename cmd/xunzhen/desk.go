// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session"
)

// deskCommands are about a desk of the office: a folder on the PC of somebody in a township or the bureau.
type deskCommands struct {
	Enrol  deskEnrol  `cmd:"" help:"help_desk_enrol"`
	Status deskStatus `cmd:"" help:"help_desk_status"`
}

// deskEnrol makes a desk one of a county.
type deskEnrol struct {
	deskFlag
	Invitation string `arg:"" help:"help_invitation" placeholder:"CODE"`
	Address    string `help:"help_address" placeholder:"HOST:PORT"`
}

// Run makes the desk's key if there is none in the folder, and enrols it. Cut off, it may be run again with the same
// code.
func (f deskEnrol) Run(c *call) error {
	if _, err := session.ParseInvitation(f.Invitation); err != nil {
		return &problem{key: "reason_invitation", cause: err}
	}
	d, err := office.EnrolDesk(c.ctx, f.folderOf(c), f.Invitation, f.Address, c.Rand)
	if err != nil {
		return err
	}
	cert := d.Certificate()
	c.line("desk_enrolled", f.folderOf(c), strings.Join(cert.Staff, ", "), divisionList(cert.Divisions))
	c.line("desk_enrolled_next")
	return nil
}

// deskStatus says what a desk is.
type deskStatus struct {
	deskFlag
	Json bool `help:"help_json"`
}

// deskInfo is a desk for programs.
type deskInfo struct {
	Replica   string            `json:"replica"`
	Shard     string            `json:"shard"`
	County    string            `json:"county,omitempty"`
	Label     string            `json:"label,omitempty"`
	Staff     []string          `json:"staff"`
	Divisions []record.Division `json:"divisions"`
	Classes   []string          `json:"classes"`
	Addresses []string          `json:"addresses"`
	ExpiresAt string            `json:"expires_at"`
}

// Run prints it, without asking the server.
func (f deskStatus) Run(c *call) error {
	dir := f.folderOf(c)
	if !office.DeskExists(dir) {
		return problemf("problem_no_desk", dir)
	}
	d, err := office.OpenDesk(dir)
	if err != nil {
		return err
	}
	info := deskInfoOf(d)
	if f.Json {
		return c.json(info)
	}
	c.line("desk_status", dir, info.Replica, info.Label, strings.Join(info.Staff, ", "), divisionList(info.Divisions),
		strings.Join(info.Classes, ", "), strings.Join(info.Addresses, ", "), d.Certificate().ExpiresAt.Local().Format("2006-01-02 15:04"))
	return nil
}

func deskInfoOf(d *office.Desk) deskInfo {
	cert := d.Certificate()
	info := deskInfo{
		Replica: cert.Replica().String(), Shard: cert.Shard.String(), County: d.County(), Label: cert.Label, Staff: cert.Staff,
		Divisions: cert.Divisions, Classes: classNames(cert), Addresses: d.Addresses(), ExpiresAt: cert.ExpiresAt.UTC().Format(time.RFC3339),
	}
	return info
}

func classNames(cert segment.Certificate) []string {
	out := []string{}
	for _, class := range cert.Classes {
		name := fmt.Sprint(class)
		for _, known := range []string{"general", "sensitive"} {
			if classNamed(known) == class {
				name = known
			}
		}
		out = append(out, name)
	}
	return out
}

func divisionList(all []record.Division) string {
	texts := make([]string, len(all))
	for i, d := range all {
		texts[i] = string(d)
	}
	return strings.Join(texts, ", ")
}
