// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// superviseCommands draw samples, record what came of calling people, and follow faults until
// they are put right.
type superviseCommands struct {
	Announce superviseAnnounce `cmd:"" help:"help_supervise_announce"`
	Draw     superviseDraw     `cmd:"" help:"help_supervise_draw"`
	Frame    superviseFrame    `cmd:"" help:"help_supervise_frame"`
	Check    superviseCheck    `cmd:"" help:"help_supervise_check"`
	Rounds   superviseRounds   `cmd:"" help:"help_supervise_rounds"`
	Sheets   superviseSheets   `cmd:"" help:"help_supervise_sheets"`
	Record   superviseRecord   `cmd:"" help:"help_supervise_record"`
	Results  superviseResults  `cmd:"" help:"help_supervise_results"`
	Rectify  superviseRectify  `cmd:"" help:"help_supervise_rectify"`
	Faults   superviseFaults   `cmd:"" help:"help_supervise_faults"`
	Rule     superviseRule     `cmd:"" help:"help_supervise_rule"`
}

// roundFlags say which round.
type roundFlags struct {
	officeFlags
	Round string `arg:"" help:"help_supervise_round" placeholder:"CODE"`
}

// id returns the id of the round that the county calls so.
func (f roundFlags) id(county office.ServingCounty) []byte { return roundID(county, f.Round) }

func roundID(county office.ServingCounty, code string) []byte {
	id := supervision.RoundID(county.Code, code)
	return id[:]
}

// refuse says all problems, each in a line, and fails.
func (c *call) refuse(problems []*officev1.SupervisionProblem) error {
	if len(problems) == 0 {
		return nil
	}
	for _, p := range problems {
		about := p.GetAbout()
		if key := "supervise_problem_" + p.GetCode(); c.words.Has(key) {
			c.note("supervise_problem", c.fit(key, about, p.GetText()))
			continue
		}
		c.note("supervise_problem", p.GetCode()+" "+about+" "+p.GetText())
	}
	c.note("supervise_nothing_saved")
	return errSilent
}

// fit says a text that may have no use for its last arguments.
func (c *call) fit(key string, args ...any) string {
	used := 0
	for i, verb := range verbs.FindAllStringSubmatch(c.words.Say(key), -1) {
		n := i + 1
		if verb[1] != "" {
			n, _ = strconv.Atoi(verb[1]) // digits alone
		}
		used = max(used, n)
	}
	return c.say(key, args[:min(used, len(args))]...)
}

var verbs = regexp.MustCompile(`%(?:\[(\d)\])?[a-z]`)

// day reads a day that may be left out.
func (c *call) day(text string) (int32, error) {
	if text == "" {
		return 0, nil
	}
	d, err := care.ParseDate(text)
	if err != nil {
		return 0, problemf("problem_supervise_day", text)
	}
	return int32(d), nil
}

// unitName is what a stratum, a division or a doctor is called in tables.
func (c *call) groupName(group carev1.SupervisionGroup) string {
	return c.codeName(group.Descriptor().Values().ByNumber(group.Number()))
}

func (c *call) stratumName(text string) string {
	s := supervision.Stratum(text)
	unit := s.Unit()
	if unit == "*" {
		unit = c.say("supervise_whole_round")
	}
	return c.groupName(s.Group()) + " " + unit
}

// superviseRounds lists rounds.
type superviseRounds struct {
	officeFlags
	Json bool `help:"help_json"`
}

// roundJSON is a round for programs.
type roundJSON struct {
	ID          string   `json:"id"`
	Code        string   `json:"code"`
	Title       string   `json:"title"`
	AnnouncedOn string   `json:"announced_on"`
	Owner       string   `json:"owner"`
	From        string   `json:"from"`
	To          string   `json:"to"`
	Divisions   []string `json:"divisions"`
	FrameSha256 string   `json:"frame_sha256"`
	Persons     int32    `json:"persons"`
	Source      string   `json:"seed_source"`
	KnownOn     string   `json:"known_on,omitempty"`
	LedgerSize  int64    `json:"ledger_size,omitempty"`
	DrawnOn     string   `json:"drawn_on,omitempty"`
	Seed        string   `json:"seed,omitempty"`
	PublicText  string   `json:"public_text,omitempty"`
	LedgerRoot  string   `json:"ledger_root,omitempty"`
	Sample      int32    `json:"sample,omitempty"`
	SampleSha   string   `json:"sample_sha256,omitempty"`
	Tried       uint32   `json:"tried"`
}

func roundOf(id []byte, r *carev1.SupervisionRound, tried uint32) roundJSON {
	out := roundJSON{
		ID: idText(id), Code: r.GetCode(), Title: r.GetTitle(), AnnouncedOn: care.Date(r.GetAnnouncedOn()).String(), Owner: r.GetOwnerId(),
		From: care.Date(r.GetPlan().GetFromOn()).String(), To: care.Date(r.GetPlan().GetToOn()).String(), Divisions: r.GetPlan().GetDivisions(),
		FrameSha256: hexText(r.GetFrame().GetSha256()), Persons: r.GetFrame().GetPersons(), Source: r.GetSeedSource().GetNamed(),
		LedgerSize: r.GetSeedSource().GetLedgerSize(), Seed: hexText(r.GetDraw().GetSeedSha256()), PublicText: r.GetDraw().GetPublicText(),
		LedgerRoot: hexText(r.GetDraw().GetLedgerRootSha256()), Sample: r.GetDraw().GetSize(), SampleSha: hexText(r.GetDraw().GetSha256()), Tried: tried,
	}
	if d := r.GetSeedSource().GetKnownOn(); d != 0 {
		out.KnownOn = care.Date(d).String()
	}
	if d := r.GetDraw().GetDrawnOn(); d != 0 {
		out.DrawnOn = care.Date(d).String()
	}
	return out
}

// Run prints a table, or JSON.
func (f superviseRounds) Run(c *call) error {
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		all, err := o.Rounds(c.ctx)
		if err != nil {
			return err
		}
		out := []roundJSON{}
		for _, r := range all {
			out = append(out, roundOf(r.GetRoundId(), r.GetRound(), r.GetTally().GetTried()))
		}
		if f.Json {
			return c.json(out)
		}
		if len(out) == 0 {
			c.line("supervise_no_rounds")
			return nil
		}
		t := terminal.Table{Head: []string{c.say("supervise_head_code"), c.say("supervise_head_announced"), c.say("supervise_head_persons"), c.say("supervise_head_drawn"), c.say("supervise_head_sample"), c.say("supervise_head_tried"), c.say("supervise_head_title")}}
		for _, r := range out {
			drawn := r.DrawnOn
			if drawn == "" {
				drawn = c.say("supervise_not_drawn")
			}
			t.Add(r.Code, r.AnnouncedOn, r.Persons, drawn, r.Sample, r.Tried, r.Title)
		}
		return t.Write(c.Stdout)
	})
}

// divisionsOf reads prefixes of divisions; none is the county.
func divisionsOf(texts []string, county string) ([]string, error) {
	if len(texts) == 0 {
		return []string{county}, nil
	}
	var out []string
	for _, text := range texts {
		d, err := care.ParseDivision(text)
		if err != nil || !d.Within(record.Division(county)) {
			return nil, problemf("problem_supervise_division", text, county)
		}
		out = append(out, string(d))
	}
	return out, nil
}

// codeWord finds the number of a code by its word: hypertension for SUPERVISION_GROUP_HYPERTENSION.
func codeWord(values map[string]int32, prefix, word string) (int32, bool) {
	n, ok := values[prefix+strings.ToUpper(strings.ReplaceAll(word, "-", "_"))]
	return n, ok && n != 0
}

// codeTexts are what forms call a code.
func codeTexts(v protoreflect.EnumValueDescriptor) (zh, en string) {
	o, _ := proto.GetExtension(v.Options(), schemav1.E_Code).(*schemav1.CodeOptions)
	return o.GetZh(), o.GetEn()
}
