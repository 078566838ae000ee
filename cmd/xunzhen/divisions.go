// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"os"
	"slices"

	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/transport"
)

// divisionsCommands are about the codes of divisions.
type divisionsCommands struct {
	List   divisionsList   `cmd:"" default:"withargs" help:"help_divisions_list"`
	Recode divisionsRecode `cmd:"" help:"help_divisions_recode"`
	Move   divisionsMove   `cmd:"" help:"help_divisions_move"`
}

// divisionsList lists the changes that are known.
type divisionsList struct {
	officeFlags
	Under string `help:"help_divisions_under" placeholder:"DIVISION"`
	Json  bool   `help:"help_json"`
}

// listedChange is one change for programs.
type listedChange struct {
	Old  string `json:"old_code"`
	New  string `json:"new_code"`
	From string `json:"valid_from"`
	Type string `json:"change"`
}

// recordUnder is one record of a division for programs.
type recordUnder struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Subject string `json:"subject,omitempty"`
	Name    string `json:"name,omitempty"` // of a resident
}

// under lists the records of a division, so that a person can move them.
func (f divisionsList) under(c *call) error {
	d, err := care.ParseDivision(f.Under)
	if err != nil {
		return &problem{key: "problem_division", args: []any{f.Under}, cause: err}
	}
	all := []recordUnder{}
	err = f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		return o.RecordsUnder(c.ctx, d, func(r *syncv1.Record) error {
			one, err := recordUnderOf(r)
			all = append(all, one)
			return err
		})
	})
	switch {
	case err != nil:
		return err
	case f.Json:
		return c.json(all)
	}
	t := terminal.Table{}
	for _, one := range all {
		t.Add(one.ID, c.kind(one.Kind), one.Name, one.Subject)
	}
	return t.Write(c.Stdout)
}

func recordUnderOf(r *syncv1.Record) (recordUnder, error) {
	id, err := idFromWire(r.GetId())
	if err != nil {
		return recordUnder{}, err
	}
	one := recordUnder{ID: id.String(), Kind: kindName(id.Kind())}
	if len(r.GetSubject()) > 0 {
		subject, err := idFromWire(r.GetSubject())
		if err != nil {
			return one, err
		}
		one.Subject = subject.String()
	}
	if id.Kind() != care.KindResident {
		return one, nil
	}
	line, err := personLineOf(r)
	one.Name = line.Name
	return one, err
}

// Run prints them, by date.
func (f divisionsList) Run(c *call) error {
	if f.Under != "" {
		return f.under(c)
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		known, err := recodingAt(c, o)
		if err != nil {
			return err
		}
		all := make([]listedChange, len(known.Changes()))
		t := terminal.Table{Head: []string{c.say("head_old_code"), c.say("head_new_code"), c.say("head_valid_from"), c.say("head_change")}}
		for i, one := range known.Changes() {
			label := formReader{c.words.Language()}.code(one.Type.Descriptor(), one.Type.Number())
			all[i] = listedChange{string(one.Old), string(one.New), one.From.String(), one.Type.String()}
			t.Add(one.Old, one.New, one.From, label)
		}
		switch {
		case f.Json:
			return c.json(all)
		case len(all) == 0:
			c.line("divisions_none")
			return nil
		}
		return t.Write(c.Stdout)
	})
}

// recodingAt returns the changes that the centre knows.
func recodingAt(c *call, o *office.Office) (care.Recoding, error) {
	var all []care.DivisionChange
	err := o.Records(c.ctx, care.KindDivisionChange, func(r *syncv1.Record) error {
		registers, err := office.Registers(r)
		if change, ok := care.DivisionChangeOf(registers); ok {
			all = append(all, change)
		}
		return err
	})
	return care.NewRecoding(all), err
}

// divisionsRecode records changes and moves records.
type divisionsRecode struct {
	officeFlags
	File   string `arg:"" optional:"" help:"help_recode_file" placeholder:"FILE.csv"`
	Author string `help:"help_release_author" required:"" placeholder:"ID"`
	DryRun bool   `help:"help_recode_dry"`
	Json   bool   `help:"help_json"`
}

// recodeReport is what was done, for programs.
type recodeReport struct {
	Recorded uint32            `json:"recorded"`
	Known    uint32            `json:"known"`
	Later    uint32            `json:"later"`
	Moved    uint64            `json:"moved"`
	Left     map[string]uint64 `json:"left"` // records that a person moves, by code
	DryRun   bool              `json:"dry_run"`
}

// Run records what is not known yet, moves what is under abolished codes, and says what is
// left for a person.
func (f divisionsRecode) Run(c *call) error {
	return f.open(c, func(o *office.Office, one office.ServingCounty) error {
		changes, err := f.changes(c, o)
		if err != nil {
			return err
		}
		bar := c.screen().Begin(c.say("recode_bar"), 0)
		report, err := o.Recode(c.ctx, f.Author, changes, f.DryRun, func(done, total uint64) { bar.Set(int(done), int(total)) })
		bar.End("")
		if r, ok := transport.RefusalOf(err); ok && r.Reason == syncv1.Reason_REASON_INVALID {
			return &problem{key: "problem_recode_refused", args: []any{one.Code}, cause: err}
		}
		if err != nil {
			return err
		}
		if f.Json {
			return c.json(recodeReportOf(report, f.DryRun))
		}
		f.tell(c, report)
		return nil
	})
}

func (f divisionsRecode) changes(c *call, o *office.Office) ([]*syncv1.CodeChange, error) {
	if f.File == "" {
		return nil, nil
	}
	file, err := os.Open(f.File)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // read only
	known, err := recodingAt(c, o)
	if err != nil {
		return nil, err
	}
	all, err := readRecodeFile(file, known)
	var bad *recodeProblem
	if errors.As(err, &bad) {
		return nil, problemf("problem_recode_line", bad.line, c.say(bad.what))
	}
	var out []*syncv1.CodeChange
	for _, one := range all {
		out = append(out, &syncv1.CodeChange{
			OldCode: string(one.Old), NewCode: string(one.New), ValidFrom: int32(one.From),
			Type: syncv1.CodeChangeType(one.Type), Evidence: one.Evidence,
		})
	}
	return out, err
}

func recodeReportOf(m *syncv1.RecodeReport, dry bool) recodeReport {
	r := recodeReport{m.GetRecorded(), m.GetKnown(), m.GetLater(), m.GetMoved(), map[string]uint64{}, dry}
	for _, l := range m.GetLeft() {
		r.Left[l.GetDivision()] = l.GetRecords()
	}
	return r
}

func (f divisionsRecode) tell(c *call, r *syncv1.RecodeReport) {
	if f.DryRun {
		c.line("recode_would", r.GetRecorded(), r.GetKnown(), r.GetMoved())
	} else {
		c.line("recode_did", r.GetRecorded(), r.GetKnown(), r.GetMoved())
	}
	if r.GetLater() > 0 {
		c.line("recode_later", r.GetLater())
	}
	for _, l := range r.GetLeft() {
		c.line("recode_left", l.GetDivision(), l.GetRecords())
	}
	if len(r.GetLeft()) > 0 {
		c.line("recode_how")
	}
	if !f.DryRun {
		c.line("recode_again")
	}
}

// divisionsMove moves single records.
type divisionsMove struct {
	officeFlags
	To     string   `arg:"" help:"help_move_to" placeholder:"DIVISION"`
	IDs    []string `arg:"" help:"help_move_ids" placeholder:"ID"`
	Author string   `help:"help_release_author" required:"" placeholder:"ID"`
}

// Run moves them one by one; a second time it moves nothing.
func (f divisionsMove) Run(c *call) error {
	to, err := care.ParseDivision(f.To)
	if err != nil {
		return &problem{key: "problem_division", args: []any{f.To}, cause: err}
	}
	var ids []record.ID
	for _, text := range f.IDs {
		id, _, err := named(text, "")
		if err != nil {
			return err
		}
		ids = append(ids, id)
	}
	return f.open(c, func(o *office.Office, one office.ServingCounty) error {
		known, err := recodingAt(c, o)
		if err != nil {
			return err
		}
		county := known.Scopes([]record.Division{record.Division(one.Code)}, 0, 1<<10)
		if !to.WithinAny(county) {
			return problemf("problem_division_outside", to, one.Code)
		}
		for _, id := range ids {
			if err := f.move(c, o, id, care.FullCode(to)); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f divisionsMove) move(c *call, o *office.Office, id record.ID, to record.Division) error {
	r, _, err := o.Get(c.ctx, id)
	if err != nil {
		return err
	}
	registers, err := office.Registers(r)
	if err != nil {
		return err
	}
	var shown []causal.Dot
	at := slices.IndexFunc(registers, func(g record.Register) bool { return g.Path == record.PathScope })
	if at >= 0 {
		g := registers[at]
		if shown = g.Parents(); !g.Conflict() && string(g.Siblings[0].Value.Bytes) == string(to) {
			return nil
		}
	}
	if err := o.Move(c.ctx, id, to, shown, f.Author); err != nil {
		return err
	}
	c.line("record_moved", id, to)
	return nil
}
