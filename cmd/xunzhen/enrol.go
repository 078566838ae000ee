// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/transport"
)

// enrolCommand makes an enrolment code for one more tablet, hub or desk.
type enrolCommand struct {
	officeFlags
	Scope   []string      `help:"help_scope" required:"" placeholder:"DIVISION"`
	Staff   []string      `help:"help_staff" required:"" placeholder:"ID"`
	Role    string        `help:"help_role" enum:"tablet,hub,office" default:"tablet" placeholder:"tablet|hub|office"`
	Classes []string      `help:"help_classes" enum:"general,sensitive" default:"general" placeholder:"general|sensitive"`
	Label   string        `help:"help_label" placeholder:"TEXT"`
	Life    time.Duration `help:"help_life" default:"24h" placeholder:"DURATION"`
}

// Run prints the code, alone on its line.
func (f enrolCommand) Run(c *call) error {
	rights, err := f.rights()
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, one office.ServingCounty) error {
		code, until, err := o.Invite(c.ctx, rights)
		if err != nil {
			return explainInvite(err, rights.Divisions, one.Code)
		}
		c.note("enrol_code", until.Local().Format("2006-01-02 15:04"))
		_, err = fmt.Fprintln(c.Stdout, code)
		return err
	})
}

// explainInvite says which division is not the county's, if that is why no code was made. The
// server knows codes that the county has had since.
func explainInvite(err error, divisions []record.Division, code string) error {
	r, ok := transport.RefusalOf(err)
	for _, d := range divisions {
		if ok && r.Reason == syncv1.Reason_REASON_INVALID && !d.Within(record.Division(code)) {
			return &problem{key: "problem_division_outside", args: []any{d, code}, cause: err}
		}
	}
	return err
}

func (f enrolCommand) rights() (office.Rights, error) {
	r := office.Rights{Role: roleNamed(f.Role), Staff: f.Staff, Label: f.Label, Life: f.Life}
	for _, text := range f.Scope {
		d, err := care.ParseDivision(text)
		if err != nil {
			return r, &problem{key: "problem_division", args: []any{text}, cause: err}
		}
		r.Divisions = append(r.Divisions, d)
	}
	for _, name := range f.Classes {
		r.Classes = append(r.Classes, classNamed(name))
	}
	return r, nil
}

func roleNamed(name string) segment.Role {
	for _, r := range []segment.Role{segment.RoleHub, segment.RoleOffice} {
		if name == r.String() {
			return r
		}
	}
	return segment.RoleTablet
}

func classNamed(name string) record.Class {
	if name == "sensitive" {
		return record.ClassSensitive
	}
	return record.ClassGeneral
}
