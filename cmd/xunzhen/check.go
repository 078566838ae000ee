// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/evidence"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// checkCommand checks a proof file, with nothing but the county's key.
type checkCommand struct {
	File  string `arg:"" help:"help_check_file" placeholder:"FILE"`
	Shard string `help:"help_check_shard" required:"" placeholder:"KEY"`
	Json  bool   `help:"help_json"`
}

// Run says what the file proves. It fails when anything does not hold.
func (f checkCommand) Run(c *call) error {
	key, err := hex.DecodeString(strings.TrimSpace(f.Shard))
	if err != nil || len(key) != ed25519.PublicKeySize {
		return problemf("problem_shard_key")
	}
	raw, err := readProof(f.File)
	if err != nil {
		return &problem{key: "problem_read", args: []any{f.File}, cause: err}
	}
	if evidence.IsTestimony(raw) {
		return f.testimony(c, raw, key)
	}
	report, err := evidence.Check(raw, key)
	if err != nil {
		return f.refuse(c, err)
	}
	if f.Json {
		return c.json(provenOf(report))
	}
	return c.tellProven(report)
}

// readProof reads no more of a file than a proof can have.
func readProof(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	return io.ReadAll(io.LimitReader(file, evidence.MaxFile+1))
}

// refusedJSON says what does not hold, for programs.
type refusedJSON struct {
	Holds bool   `json:"holds"`
	Claim string `json:"claim"`
	What  string `json:"what"`
}

// refuse says which claim does not hold, and fails.
func (f checkCommand) refuse(c *call, err error) error {
	var failure *evidence.Failure
	if !errors.As(err, &failure) {
		return err
	}
	if f.Json {
		if err := c.json(refusedJSON{false, failure.Claim.String(), failure.What}); err != nil {
			return err
		}
		return errSilent
	}
	c.line("check_fails", c.say("claim_"+failure.Claim.String()), failure.What)
	return errSilent
}

// provenJSON is what a file proves, for programs. Instants are UTC milliseconds.
type provenJSON struct {
	Holds      bool         `json:"holds"`
	Shard      string       `json:"shard"`
	Epoch      string       `json:"epoch"`
	LedgerSize int64        `json:"ledger_size"`
	LedgerRoot string       `json:"ledger_root"`
	MadeMs     int64        `json:"made_ms"`
	Record     string       `json:"record"`
	Kind       string       `json:"kind"`
	Only       string       `json:"only,omitempty"`
	Saves      []provenSave `json:"saves"`
	Acts       []provenAct  `json:"acts"`
}

type provenSave struct {
	Dot        string          `json:"dot"`
	Author     string          `json:"author"`
	Replica    string          `json:"replica"`
	Role       string          `json:"role"`
	Label      string          `json:"label"`
	Staff      []string        `json:"staff"`
	CapturedMs int64           `json:"captured_ms"`
	ReceivedMs int64           `json:"received_ms"`
	Entry      int64           `json:"ledger_index"`
	Verdicts   []provenVerdict `json:"verdicts"`
	Erased     bool            `json:"erased"`
	Hidden     bool            `json:"hidden"`
	Unreadable bool            `json:"unreadable"`
	Missing    []string        `json:"missing"` // saves of the record that it names and that are not in the file
	Values     []provenValue   `json:"values"`
}

type provenVerdict struct {
	Verdict string `json:"verdict"`
	Ms      int64  `json:"ms"`
	Entry   int64  `json:"ledger_index"`
}

type provenValue struct {
	Path       string          `json:"path"`
	Value      json.RawMessage `json:"value"` // null: cleared, erased or not shown
	ReplacedBy []string        `json:"replaced_by"`
}

type provenAct struct {
	Act        string `json:"act"`
	Dot        string `json:"dot"`
	Target     string `json:"target,omitempty"`  // a save
	Replica    string `json:"replica,omitempty"` // or, of a fence, an installation
	Lifted     bool   `json:"lifted,omitempty"`
	Author     string `json:"author"`
	Reason     string `json:"reason"`
	DoneMs     int64  `json:"done_ms"`
	ReceivedMs int64  `json:"received_ms"`
	Entry      int64  `json:"ledger_index"`
}

func provenOf(r evidence.Report) provenJSON {
	out := provenJSON{
		Holds: true, Shard: r.Checkpoint.Shard.String(), Epoch: r.Checkpoint.Epoch.String(), LedgerSize: int64(r.Checkpoint.Size),
		LedgerRoot: r.Checkpoint.Root.String(), MadeMs: r.MadeAt.UnixMilli(), Record: r.Record.String(), Kind: kindName(r.Record.Kind()),
		Saves: []provenSave{}, Acts: []provenAct{},
	}
	if !r.Only.IsZero() {
		out.Only = r.Only.String()
	}
	for _, s := range r.Saves {
		out.Saves = append(out.Saves, provenSaveOf(r.Record.Kind(), s))
	}
	for _, a := range r.Acts {
		out.Acts = append(out.Acts, provenActOf(a))
	}
	return out
}

func provenActOf(a evidence.Act) provenAct {
	out := provenAct{
		Act: a.Kind.String(), Dot: a.Dot.String(), Lifted: a.Lifted, Author: a.Author, Reason: a.Reason,
		DoneMs: a.At.UnixMilli(), ReceivedMs: a.ReceivedAt.UnixMilli(), Entry: int64(a.Leaf),
	}
	if a.Kind == evidence.ActFence {
		out.Replica = a.Replica.String()
	} else {
		out.Target = a.Target.String()
	}
	return out
}

func provenSaveOf(kind record.Kind, s evidence.Save) provenSave {
	out := provenSave{
		Dot: s.Dot.String(), Author: s.Revision.Author, Replica: s.Dot.Replica.String(), Role: s.Certificate.Role.String(),
		Label: s.Certificate.Label, Staff: append([]string{}, s.Certificate.Staff...), CapturedMs: s.Revision.ClockMs,
		ReceivedMs: s.ReceivedAt.UnixMilli(), Entry: int64(s.Leaf), Verdicts: []provenVerdict{}, Values: []provenValue{},
		Erased: s.Erased, Hidden: s.Hidden, Unreadable: s.Unreadable, Missing: []string{},
	}
	for _, d := range s.Missing {
		out.Missing = append(out.Missing, d.String())
	}
	for _, v := range s.Verdicts {
		out.Verdicts = append(out.Verdicts, provenVerdict{v.Verdict.String(), v.At.UnixMilli(), int64(v.Leaf)})
	}
	for _, change := range s.Changes {
		v := provenValue{Path: care.FormatPath(kind, change.Path), Value: jsonOf(kind, change.Path, change.Value), ReplacedBy: []string{}}
		for _, d := range change.ReplacedBy {
			v.ReplacedBy = append(v.ReplacedBy, d.String())
		}
		out.Values = append(out.Values, v)
	}
	return out
}

// jsonOf writes a value for programs: null where there is none, text for the header,
// else a form with one value only; hexadecimal digits for what this build cannot read.
func jsonOf(kind record.Kind, p record.Path, v record.Value) json.RawMessage {
	var out any
	switch {
	case v.Form != record.Present:
	case p == record.PathScope:
		out = string(v.Bytes)
	case p == record.PathSubject && len(v.Bytes) == len(record.ID{}):
		out = record.ID(v.Bytes).String()
	case p == record.PathLife:
		out = map[string]any{"voided": record.ParseLife(v) == record.LifeVoided, "reason": record.VoidReason(v)}
	default:
		if text, err := care.FormatValue(kind, p, v); err == nil {
			return json.RawMessage(oneLine(string(text)))
		}
		out = hex.EncodeToString(v.Bytes)
	}
	text, err := json.Marshal(out)
	if err != nil { // never of text, a map of text, or nil
		return json.RawMessage("null")
	}
	return text
}

// at writes an instant with its seconds, as evidence is read.
func (c *call) at(t time.Time) string { return t.Local().Format("2006-01-02 15:04:05") }

func (c *call) atMs(ms int64) string { return c.at(time.UnixMilli(ms)) }

// verdictText says any verdict.
func (c *call) verdictText(v string) string {
	if v == "admitted" {
		return c.say("proof_admitted")
	}
	if strings.HasPrefix(v, "held_") {
		return c.say("proof_held", c.verdict(v))
	}
	return c.verdict(v)
}

// pathLabel names a register in the reader's language.
func (c *call) pathLabel(kind record.Kind, p record.Path) string {
	switch p {
	case record.PathScope:
		return c.say("head_division")
	case record.PathSubject:
		return c.say("head_resident")
	case record.PathLife:
		return c.say("proof_life")
	}
	path := care.FormatPath(kind, p)
	label, ok := care.LabelOf(kind, p)
	if !ok {
		return path
	}
	text := label.EN
	if c.words.Language() == "zh" {
		text = label.ZH
	}
	if _, key, keyed := strings.Cut(path, "["); keyed {
		text += " [" + key
	}
	return text
}

// valueText says a value with the units and codes of the schema.
func (c *call) valueText(kind record.Kind, p record.Path, v record.Value) string {
	if v.Form == record.Clear {
		return c.say("proof_cleared")
	}
	switch p {
	case record.PathScope, record.PathSubject:
		return strings.Trim(string(jsonOf(kind, p, v)), `"`)
	case record.PathLife:
		if record.ParseLife(v) == record.LifeVoided {
			return c.say("proof_voided", record.VoidReason(v))
		}
		return c.say("proof_in_force")
	}
	text, err := care.FormatValue(kind, p, v)
	if err != nil {
		return c.say("proof_unknown_value", len(v.Bytes))
	}
	lines, err := formReader{c.words.Language()}.read(kindName(kind), string(text))
	if err != nil {
		return oneLine(string(text))
	}
	var parts []string
	for _, l := range lines {
		if l.text != "" {
			parts = append(parts, l.text)
		}
	}
	return strings.Join(parts, "; ")
}
