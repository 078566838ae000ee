// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/session/sessionwire"
)

// devicesCommands are about the installations of a county.
type devicesCommands struct {
	List   devicesList   `cmd:"" default:"withargs" help:"help_devices_list"`
	Revoke devicesRevoke `cmd:"" help:"help_devices_revoke"`
	Exempt devicesExempt `cmd:"" help:"help_devices_exempt"`
	Lift   devicesLift   `cmd:"" help:"help_devices_lift"`
	Gap    devicesGap    `cmd:"" help:"help_devices_gap"`
}

// rulingFlags say who decides, and why.
type rulingFlags struct {
	Author string `help:"help_release_author" required:"" placeholder:"ID"`
	Reason string `help:"help_release_reason" placeholder:"TEXT"`
}

func (f rulingFlags) ruling() office.Ruling { return office.Ruling{Author: f.Author, Reason: f.Reason} }

// device is one installation as the list for programs has it. Times are UTC
// milliseconds by the centre's clock; 0: never.
type device struct {
	Replica      string   `json:"replica"`
	Label        string   `json:"label,omitempty"`
	Role         string   `json:"role"`
	Staff        []string `json:"staff"`
	Divisions    []string `json:"divisions"`
	Classes      []uint32 `json:"classes"`
	IssuedMs     int64    `json:"issued_ms"`
	ExpiresMs    int64    `json:"expires_ms"`
	Fences       []fence  `json:"fences,omitempty"` // in force; it is cut off when there is any
	Predecessors []string `json:"predecessors,omitempty"`
	Successors   []string `json:"successors,omitempty"`
	LastHeardMs  int64    `json:"last_heard_ms"`
	ReceivedMs   int64    `json:"last_received_ms"`
	LastCounter  uint64   `json:"last_counter"`
	Held         uint32   `json:"held"`
	Waiting      uint32   `json:"waiting"`
	Forks        uint32   `json:"forks"`
	MissingFrom  uint64   `json:"missing_from,omitempty"`
	MissingTo    uint64   `json:"missing_to,omitempty"`

	id causal.ReplicaID
}

// fence is what cuts a device off: put on it, or on one whose rights it continues.
type fence struct {
	Replica string `json:"replica"`
	AtMs    int64  `json:"at_ms"`
	Author  string `json:"author"`
	Reason  string `json:"reason,omitempty"`
}

func devicesAt(c *call, o *office.Office) ([]device, error) {
	all, err := o.Devices(c.ctx)
	if err != nil {
		return nil, err
	}
	out := make([]device, len(all))
	for i, m := range all {
		if out[i], err = deviceOf(m); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func deviceOf(m *syncv1.Device) (device, error) {
	id, err := sessionwire.ReplicaFromWire(m.GetReplica())
	if err != nil {
		return device{}, err
	}
	cert := m.GetCertificate()
	d := device{
		Replica: id.String(), Label: cert.GetLabel(), Role: segment.Role(cert.GetRole()).String(), Staff: cert.GetStaff(),
		Divisions: cert.GetDivisions(), Classes: cert.GetClasses(), IssuedMs: cert.GetIssuedAtMs(), ExpiresMs: cert.GetExpiresAtMs(),
		LastHeardMs: m.GetLastHeardMs(), ReceivedMs: m.GetLastReceivedMs(), LastCounter: m.GetLastCounter(),
		Held: m.GetHeld(), Waiting: m.GetWaiting(), Forks: m.GetForks(),
		MissingFrom: m.GetMissing().GetFromCounter(), MissingTo: m.GetMissing().GetToCounter(), id: id,
	}
	for _, f := range m.GetFences() {
		d.Fences = append(d.Fences, fence{fmt.Sprintf("%x", f.GetReplica()), f.GetDecidedAtMs(), f.GetAuthor(), f.GetReason()})
	}
	for _, r := range m.GetPredecessors() {
		d.Predecessors = append(d.Predecessors, fmt.Sprintf("%x", r))
	}
	for _, r := range m.GetSuccessors() {
		d.Successors = append(d.Successors, fmt.Sprintf("%x", r))
	}
	return d, nil
}

// labelOf returns what people call an installation; a desk says that it is one.
func (c *call) labelOf(d device) string {
	if d.Role != segment.RoleOffice.String() {
		return d.Label
	}
	return strings.TrimSpace(c.say("devices_desk") + " " + d.Label)
}

// shortReplica is what people type and compare of a replica's id.
const shortReplica = 8

func short(replica string) string { return replica[:min(shortReplica, len(replica))] }

// among returns the one device that is meant by an id or its beginning, a label, or a
// person's id; the centre itself never is.
func among(all []device, meant string) (device, error) {
	var found []device
	for _, d := range all {
		whole := d.Replica == strings.ToLower(meant)
		begins := len(meant) >= 4 && strings.HasPrefix(d.Replica, strings.ToLower(meant))
		if d.Role != segment.RoleCentre.String() && (whole || begins || d.Label == meant || slices.Contains(d.Staff, meant)) {
			found = append(found, d)
		}
	}
	switch len(found) {
	case 0:
		return device{}, problemf("problem_no_device", meant)
	case 1:
		return found[0], nil
	}
	names := make([]string, len(found))
	for i, d := range found {
		names[i] = short(d.Replica)
	}
	return device{}, problemf("problem_which_device", meant, strings.Join(names, ", "))
}

// devicesList lists the installations.
type devicesList struct {
	officeFlags
	Json bool `help:"help_json"`
}

// Run prints a table, or JSON.
func (f devicesList) Run(c *call) error {
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		all, err := devicesAt(c, o)
		if err != nil {
			return err
		}
		if f.Json {
			return c.json(all)
		}
		t := terminal.Table{Columns: c.tableColumns(), Head: []string{
			"id", c.say("head_label"), c.say("head_staff"), c.say("head_division"), c.say("head_heard"), c.say("head_held"), c.say("head_state"),
		}}
		for _, d := range all {
			if d.Role == segment.RoleCentre.String() {
				continue
			}
			t.Add(short(d.Replica), terminal.Cut(c.labelOf(d), 20), strings.Join(d.Staff, " "), strings.Join(d.Divisions, " "),
				c.moment(d.LastHeardMs), d.Held, c.standing(d))
		}
		if len(t.Rows) == 0 {
			c.line("devices_none")
			return nil
		}
		return t.Write(c.Stdout)
	})
}

// moment writes a time of the centre's.
func (c *call) moment(ms int64) string {
	if ms == 0 {
		return c.say("never")
	}
	return time.UnixMilli(ms).Local().Format("2006-01-02 15:04")
}

// standing says in words what there is to know of a device.
func (c *call) standing(d device) string {
	var texts []string
	for _, f := range d.Fences {
		if f.Replica == d.Replica {
			texts = append(texts, c.say("device_revoked", c.moment(f.AtMs), f.Author))
		} else {
			texts = append(texts, c.say("device_revoked_with", short(f.Replica), c.moment(f.AtMs), f.Author))
		}
	}
	if len(d.Fences) == 0 {
		if c.Clock().UnixMilli() >= d.ExpiresMs {
			texts = append(texts, c.say("device_expired", c.moment(d.ExpiresMs)))
		} else {
			texts = append(texts, c.say("device_good", c.moment(d.ExpiresMs)))
		}
	}
	if n := len(d.Predecessors); n > 0 {
		texts = append(texts, c.say("device_succeeds", short(d.Predecessors[0])))
	}
	if d.Forks > 0 {
		texts = append(texts, c.say("device_forked"))
	}
	if d.MissingTo > 0 {
		texts = append(texts, c.say("device_blocked", d.MissingFrom, d.MissingTo))
	}
	if d.Waiting > 0 {
		texts = append(texts, c.say("device_waiting", d.Waiting))
	}
	return strings.Join(texts, "; ")
}
