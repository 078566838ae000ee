// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"io"
	"os"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"google.golang.org/protobuf/proto"
)

// superviseAnnounce announces a round.
type superviseAnnounce struct {
	roundFlags
	From     string   `help:"help_supervise_from" required:"" placeholder:"DATE"`
	To       string   `help:"help_supervise_to" required:"" placeholder:"DATE"`
	Division []string `help:"help_supervise_division" placeholder:"CODE"`
	Village  bool     `help:"help_supervise_village_round"`
	Draw     []string `help:"help_supervise_stratum" placeholder:"GROUP/UNIT=N"`
	Contact  int32    `help:"help_supervise_contact" default:"0" placeholder:"PERCENT"`
	Public   string   `help:"help_supervise_public" placeholder:"TEXT"`
	KnownOn  string   `help:"help_supervise_known_on" placeholder:"DATE"`
	Ledger   bool     `help:"help_supervise_ledger"`
	Title    string   `help:"help_supervise_title" placeholder:"TEXT"`
	Unit     string   `help:"help_supervise_organisation" placeholder:"CODE"`
	Owner    string   `help:"help_supervise_owner" placeholder:"ID"`
	Author   string   `help:"help_supervise_author" required:"" placeholder:"ID"`
	Out      string   `help:"help_supervise_frame_out" short:"o" placeholder:"FILE"`
	DryRun   bool     `help:"help_supervise_dry_run"`
	Json     bool     `help:"help_json"`
}

// announcedJSON is an announcement for programs.
type announcedJSON struct {
	Round   roundJSON     `json:"round"`
	Strata  []stratumJSON `json:"strata"`
	Carried uint32        `json:"carried"`
	Frame   string        `json:"frame_file,omitempty"`
	DryRun  bool          `json:"dry_run"`
}

type stratumJSON struct {
	Stratum string `json:"stratum"`
	Persons uint32 `json:"persons"`
	Drawn   uint32 `json:"drawn"`
}

// Run announces, writes the frame's text into a file, and says what to do when.
func (f superviseAnnounce) Run(c *call) error {
	return f.open(c, func(o *office.Office, county office.ServingCounty) error {
		round, err := f.round(c, county)
		if err != nil {
			return err
		}
		out := f.Out
		if out == "" {
			out = f.Round + ".frame"
		}
		var text bytes.Buffer
		report, err := o.AnnounceRound(c.ctx, &officev1.AnnounceRoundRequest{Author: f.Author, Round: round, DryRun: f.DryRun}, &text)
		if err != nil {
			return err
		}
		if err := c.refuse(report.GetProblems()); err != nil {
			return err
		}
		if f.DryRun {
			out = ""
		} else if err := writeOver(out, text.Bytes()); err != nil {
			return &problem{key: "problem_frame_out", args: []any{out, f.Round}, cause: err}
		}
		return f.tell(c, report, out)
	})
}

// writeOver writes a file in place of one of that name.
func writeOver(name string, text []byte) error { return os.WriteFile(name, text, 0o600) }

func (f superviseAnnounce) round(c *call, county office.ServingCounty) (*carev1.SupervisionRound, error) {
	var days [3]int32
	for i, text := range []string{f.From, f.To, f.KnownOn} {
		var err error
		if days[i], err = c.day(text); err != nil {
			return nil, err
		}
	}
	divisions, err := divisionsOf(f.Division, county.Code)
	if err != nil {
		return nil, err
	}
	plan := &carev1.SupervisionPlan{FromOn: days[0], ToOn: days[1], Divisions: divisions, ContactPercent: proto.Int32(f.Contact)}
	if f.Village {
		plan = supervision.VillageRound(care.Date(days[0]), care.Date(days[1]))
		plan.Divisions = divisions
	}
	for _, text := range f.Draw {
		row, err := stratumRow(text)
		if err != nil {
			return nil, err
		}
		plan.Strata = append(plan.Strata, row)
	}
	source := &carev1.SeedSource{Method: carev1.SeedMethod_SEED_METHOD_PUBLIC_TEXT, Named: f.Public, KnownOn: days[2]}
	if f.Ledger {
		source = &carev1.SeedSource{Method: carev1.SeedMethod_SEED_METHOD_LEDGER}
	}
	round := &carev1.SupervisionRound{
		Code: f.Round, Title: f.Title, OrganisationCode: f.Unit, OwnerId: f.Owner, Plan: plan, SeedSource: source,
	}
	if round.OwnerId == "" {
		round.OwnerId = f.Author
	}
	return round, nil
}

// stratumRow reads what is drawn: hypertension/village=5.
func stratumRow(text string) (*carev1.SupervisionStratum, error) {
	what, size, ok := strings.Cut(text, "=")
	group, unit, cut := strings.Cut(what, "/")
	n, err := strconv.ParseInt(size, 10, 32)
	g, known := codeWord(carev1.SupervisionGroup_value, "SUPERVISION_GROUP_", group)
	u, level := codeWord(carev1.SupervisionUnit_value, "SUPERVISION_UNIT_", unit)
	if !ok || !cut || err != nil || !known || !level {
		return nil, problemf("problem_supervise_stratum", text)
	}
	return &carev1.SupervisionStratum{Group: carev1.SupervisionGroup(g), Unit: carev1.SupervisionUnit(u), Size: proto.Int32(int32(n))}, nil
}

func (f superviseAnnounce) tell(c *call, r *officev1.AnnouncedRound, out string) error {
	if f.Json {
		return c.json(announcedJSON{roundOf(r.GetRoundId(), r.GetRound(), 0), strataOf(r.GetStrata()), r.GetCarried(), out, f.DryRun})
	}
	if err := c.tellStrata(r.GetStrata()); err != nil {
		return err
	}
	frame := r.GetRound().GetFrame()
	c.line("supervise_frame", frame.GetPersons(), frame.GetLines(), hexText(frame.GetSha256()))
	if r.GetCarried() > 0 {
		c.line("supervise_carried", r.GetCarried())
	}
	if f.DryRun {
		c.line("supervise_dry")
		return nil
	}
	c.line("supervise_frame_written", out)
	if source := r.GetRound().GetSeedSource(); source.GetMethod() == carev1.SeedMethod_SEED_METHOD_LEDGER {
		c.line("supervise_next_ledger", source.GetLedgerSize(), f.Round)
	} else {
		c.line("supervise_next_text", care.Date(source.GetKnownOn()).String(), source.GetNamed(), f.Round)
	}
	return nil
}

func strataOf(all []*officev1.StratumCount) []stratumJSON {
	out := []stratumJSON{}
	for _, s := range all {
		out = append(out, stratumJSON{s.GetStratum(), s.GetPersons(), s.GetDrawn()})
	}
	return out
}

// tellStrata prints how many are drawn by group; each unit only where it has too few.
func (c *call) tellStrata(all []*officev1.StratumCount) error {
	type sum struct{ units, persons, drawn uint32 }
	sums, order := map[carev1.SupervisionGroup]sum{}, []carev1.SupervisionGroup{}
	for _, s := range all {
		g := supervision.Stratum(s.GetStratum()).Group()
		one, known := sums[g]
		if !known {
			order = append(order, g)
		}
		sums[g] = sum{one.units + 1, one.persons + s.GetPersons(), one.drawn + s.GetDrawn()}
	}
	t := terminal.Table{Head: []string{c.say("supervise_head_group"), c.say("supervise_head_units"), c.say("supervise_head_persons"), c.say("supervise_head_sample")}}
	for _, g := range order {
		t.Add(c.groupName(g), sums[g].units, sums[g].persons, sums[g].drawn)
	}
	return t.Write(c.Stdout)
}

// codeName is what a form calls a code, in the reader's language.
func (c *call) codeName(v protoreflect.EnumValueDescriptor) string {
	if v == nil {
		return ""
	}
	return c.either(codeTexts(v))
}

func hexText(b []byte) string { return hex.EncodeToString(b) }

// superviseDraw draws a round.
type superviseDraw struct {
	roundFlags
	Text   string `help:"help_supervise_text" placeholder:"TEXT"`
	Frame  string `help:"help_supervise_frame_file" placeholder:"FILE"`
	Author string `help:"help_supervise_author" required:"" placeholder:"ID"`
	DryRun bool   `help:"help_supervise_dry_run"`
	Json   bool   `help:"help_json"`
}

// Run draws and says by what.
func (f superviseDraw) Run(c *call) error {
	var frame []byte
	if f.Frame != "" {
		var err error
		if frame, err = os.ReadFile(f.Frame); err != nil {
			return err
		}
	}
	return f.open(c, func(o *office.Office, county office.ServingCounty) error {
		reply, err := o.DrawRound(c.ctx, &officev1.DrawRoundRequest{Author: f.Author, RoundId: f.id(county), PublicText: f.Text, DryRun: f.DryRun}, frame)
		if err != nil {
			return err
		}
		if err := c.refuse(reply.GetProblems()); err != nil {
			return err
		}
		if f.Json {
			return c.json(announcedJSON{Round: roundOf(f.id(county), reply.GetRound(), 0), Strata: strataOf(reply.GetStrata()), DryRun: f.DryRun})
		}
		if err := c.tellStrata(reply.GetStrata()); err != nil {
			return err
		}
		draw := reply.GetRound().GetDraw()
		key := "supervise_drawn"
		switch {
		case reply.GetBefore():
			key = "supervise_drawn_before"
		case f.DryRun:
			key = "supervise_would_draw"
		}
		c.line(key, draw.GetSize(), hexText(draw.GetSeedSha256()), hexText(draw.GetSha256()))
		return nil
	})
}

// superviseFrame writes the text of a frame.
type superviseFrame struct {
	roundFlags
	Out string `help:"help_supervise_frame_to" short:"o" default:"-" placeholder:"FILE"`
}

// Run writes it to the standard output, or into a file.
func (f superviseFrame) Run(c *call) error {
	return f.open(c, func(o *office.Office, county office.ServingCounty) error {
		w := bufio.NewWriter(c.Stdout)
		var text bytes.Buffer
		into := io.Writer(w)
		if f.Out != "-" {
			into = &text
		}
		p, err := o.Frame(c.ctx, f.id(county), into)
		if err != nil {
			return err
		}
		if p != nil {
			return c.refuse([]*officev1.SupervisionProblem{p})
		}
		if f.Out != "-" {
			return writeOver(f.Out, text.Bytes())
		}
		return w.Flush()
	})
}

// superviseCheck repeats a draw.
type superviseCheck struct {
	roundFlags
	File string `arg:"" help:"help_supervise_frame_file" placeholder:"FILE"`
	Json bool   `help:"help_json"`
}

// checkedJSON is what a repeated draw comes to.
type checkedJSON struct {
	Frame  bool     `json:"frame"`  // the text has the digest that was announced
	Seed   bool     `json:"seed"`   // follows from round, frame and what became known
	Sample bool     `json:"sample"` // is the one that was drawn
	Drawn  []string `json:"drawn"`  // stratum and id
}

// Run draws again from the frame's text and compares, with nothing but hashes.
func (f superviseCheck) Run(c *call) error {
	text, err := os.ReadFile(f.File)
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, county office.ServingCounty) error {
		shown, err := registersAt(c, o, record.ID(f.id(county)))
		if err != nil {
			return err
		}
		m, err := care.Message(supervision.KindRound, shown)
		if err != nil {
			return err
		}
		round, _ := m.(*carev1.SupervisionRound)
		frame, err := supervision.ParseFrame(text)
		if err != nil {
			return &problem{key: "problem_frame_file", args: []any{f.File}, cause: err}
		}
		if round.GetDraw() == nil {
			return problemf("problem_not_drawn", f.Round)
		}
		return f.tell(c, repeat(record.ID(f.id(county)), round, frame))
	})
}

// repeat draws again.
func repeat(id record.ID, r *carev1.SupervisionRound, f supervision.Frame) checkedJSON {
	digest, draw := f.Digest(), r.GetDraw()
	out := checkedJSON{Frame: bytes.Equal(digest[:], r.GetFrame().GetSha256()) && f.Round == id, Drawn: []string{}}
	seed, err := supervision.SeedOfRoot(id, digest, draw.GetLedgerRootSha256())
	if len(draw.GetLedgerRootSha256()) == 0 {
		seed, err = supervision.SeedOfText(id, digest, draw.GetPublicText())
	}
	out.Seed = err == nil && bytes.Equal(seed[:], draw.GetSeedSha256())
	sample := supervision.Draw(seed, f, r.GetPlan())
	sum := supervision.SampleDigest(sample)
	out.Sample = bytes.Equal(sum[:], draw.GetSha256())
	for _, d := range sample {
		out.Drawn = append(out.Drawn, string(d.Stratum)+" "+d.ID.String())
	}
	return out
}

func (f superviseCheck) tell(c *call, r checkedJSON) error {
	good := r.Frame && r.Seed && r.Sample
	if f.Json {
		if err := c.json(r); err != nil {
			return err
		}
	} else {
		mark := func(ok bool) string {
			if ok {
				return c.say("supervise_as_announced")
			}
			return c.say("supervise_not_as_announced")
		}
		c.line("supervise_checked", mark(r.Frame), mark(r.Seed), mark(r.Sample), len(r.Drawn))
	}
	if !good {
		return errSilent
	}
	return nil
}
