// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"fmt"
	"time"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// accessCommand lists what left the system.
type accessCommand struct {
	officeFlags
	Staff  string `help:"help_access_staff" placeholder:"ID"`
	What   string `help:"help_access_what" placeholder:"CODE"`
	Person string `help:"help_access_person" placeholder:"ID"`
	Since  string `help:"help_access_since" placeholder:"DATE"`
	Until  string `help:"help_access_until" placeholder:"DATE"`
	Limit  int    `help:"help_access_limit" default:"100" placeholder:"N"`
	Json   bool   `help:"help_json"`
}

// accessList is a list of entries for programs.
type accessList struct {
	Entries []accessInfo `json:"entries"`
	More    bool         `json:"more"`
}

// accessInfo is one entry for programs.
type accessInfo struct {
	Record       string `json:"record"`
	At           string `json:"at"`
	Staff        string `json:"staff"`
	Installation string `json:"installation"`
	What         string `json:"what"`
	Purpose      string `json:"purpose"`
	Division     string `json:"division"`
	Period       string `json:"period,omitempty"`
	Rows         uint64 `json:"rows"`
	SHA256       string `json:"sha256,omitempty"`
	Person       string `json:"person,omitempty"`
}

// Run prints the newest entries first.
func (f accessCommand) Run(c *call) error {
	q, err := f.request()
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		lines, more, err := o.Access(c.ctx, q, max(f.Limit, 1))
		if err != nil {
			return err
		}
		all := accessList{Entries: []accessInfo{}, More: more}
		for _, l := range lines {
			all.Entries = append(all.Entries, accessInfo{
				idText(l.GetRecordId()), time.UnixMilli(l.GetAtMs()).UTC().Format(time.RFC3339), l.GetStaffId(), l.GetInstallation(), l.GetWhat(),
				l.GetPurpose(), l.GetDivision(), l.GetPeriod(), l.GetRows(), hex.EncodeToString(l.GetSha256()), idText(l.GetPersonId()),
			})
		}
		if f.Json {
			return c.json(all)
		}
		return f.tell(c, lines, all)
	})
}

func (f accessCommand) request() (*officev1.ListAccessRequest, error) {
	q := &officev1.ListAccessRequest{StaffId: f.Staff, What: f.What}
	if f.Person != "" {
		id, err := record.ParseID(f.Person)
		if err != nil {
			return nil, problemf("problem_findings_id", f.Person)
		}
		q.PersonId = id[:]
	}
	for _, one := range []struct {
		into *int64
		text string
		days int // added
	}{{&q.SinceMs, f.Since, 0}, {&q.UntilMs, f.Until, 1}} {
		if one.text == "" {
			continue
		}
		d, err := care.ParseDate(one.text)
		if err != nil {
			return nil, problemf("problem_findings_since", one.text)
		}
		*one.into = d.AddDays(one.days).Start().UnixMilli() - int64(one.days) // the end of the day is still in it
	}
	return q, nil
}

func (f accessCommand) tell(c *call, lines []*officev1.AccessLine, all accessList) error {
	if len(all.Entries) == 0 {
		c.line("access_none")
		return nil
	}
	t := terminal.Table{Columns: c.tableColumns(), Head: []string{
		c.say("head_at"), c.say("head_staff"), c.say("head_desk"), c.say("head_what"), c.say("head_division"), c.say("head_rows"), c.say("head_purpose"),
	}}
	for i, e := range all.Entries {
		t.Add(c.moment(lines[i].GetAtMs()), e.Staff, short(e.Installation), e.What, e.Division, fmt.Sprint(e.Rows), e.Purpose)
	}
	if err := t.Write(c.Stdout); err != nil {
		return err
	}
	if all.More {
		c.line("access_more", f.Limit)
	}
	return nil
}
