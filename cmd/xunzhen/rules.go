// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
)

// rulesCommands look at rule packs in files, of this program, of a county, of anybody, and
// make one the county's.
type rulesCommands struct {
	Check   rulesCheckCommand   `cmd:"" help:"help_rules_check"`
	Show    rulesShowCommand    `cmd:"" help:"help_rules_show"`
	Test    rulesTestCommand    `cmd:"" help:"help_rules_test"`
	Publish rulesPublishCommand `cmd:"" help:"help_rules_publish"`
}

// maxRuleFile is more than a pack may have: a longer file is not read to its end.
const maxRuleFile = 8 << 20

// loadRules loads the pack that files make up: laid over that of this program if one
// of them extends it, else by themselves; without files that of this program. Its
// faults are told.
func loadRules(c *call, files []string) (*rules.Pack, error) {
	var sources []rules.Source
	for _, name := range files {
		text, err := readRules(name)
		if err != nil {
			return nil, &problem{key: "problem_read", args: []any{name}, cause: err}
		}
		sources = append(sources, rules.Source{Name: filepath.ToSlash(name), Text: text})
	}
	load := rulepack.Load
	if len(sources) > 0 && !slices.ContainsFunc(sources, rules.Source.Extends) {
		load = rules.Load
	}
	pack, err := load(sources...)
	if errors.Is(err, rules.ErrPack) {
		return nil, tellFaults(c, err)
	}
	return pack, err
}

func readRules(name string) ([]byte, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	return io.ReadAll(io.LimitReader(file, maxRuleFile))
}

// tellFaults names every fault of a pack, and fails.
func tellFaults(c *call, err error) error {
	faults := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		faults = joined.Unwrap()
	}
	for _, fault := range faults {
		c.note("rules_fault", fault)
	}
	c.note("rules_faults", len(faults))
	return errSilent
}

// rulesCheckCommand checks a pack.
type rulesCheckCommand struct {
	Files []string `arg:"" optional:"" name:"file" help:"help_rules_files"`
}

// Run says what the pack has, or what is wrong with it.
func (f rulesCheckCommand) Run(c *call) error {
	pack, err := loadRules(c, f.Files)
	if err != nil {
		return err
	}
	form, err := pack.Record()
	if errors.Is(err, rules.ErrPack) {
		return tellFaults(c, err)
	} else if err != nil {
		return err
	}
	all := pack.Content()
	c.line("rules_good", pack.Name(), pack.Version(), len(all.GetThresholds()), len(all.GetRules()), len(all.GetProposals()),
		len(all.GetPopulations()), len(all.GetDue()), len(pack.Tests()))
	c.line("rules_carried", len(form.GetRules().GetContentZstd()), rules.MaxCarried, hex.EncodeToString(form.GetRules().GetContentSha256()))
	return nil
}

// rulesTestCommand tries the test rows of a pack.
type rulesTestCommand struct {
	Files []string `arg:"" optional:"" name:"file" help:"help_rules_files"`
}

// Run names every row that is not as expected, and fails if there is one.
func (f rulesTestCommand) Run(c *call) error {
	pack, err := loadRules(c, f.Files)
	if err != nil {
		return err
	}
	good := 0
	for _, row := range pack.Tests() {
		wrong := pack.TestRow(row)
		for _, err := range wrong {
			c.line("rules_failed", err)
		}
		if len(wrong) == 0 {
			good++
		}
	}
	c.line("rules_tested", pack.Name(), pack.Version(), good, len(pack.Tests()))
	if good < len(pack.Tests()) {
		return errSilent
	}
	return nil
}

// rulesShowCommand lists the rows of a pack, or shows one.
type rulesShowCommand struct {
	ID   string   `arg:"" optional:"" help:"help_rules_id"`
	Over []string `help:"help_rules_over" placeholder:"FILE"`
}

// A shownRow is a row of any kind that has words and a source.
type shownRow interface {
	proto.Message
	GetId() string
	GetZh() string
	GetEn() string
	GetSource() *carev1.RuleSource
}

// Run lists or shows.
func (f rulesShowCommand) Run(c *call) error {
	pack, err := loadRules(c, f.Over)
	if err != nil {
		return err
	}
	rows := shownRows(pack.Content())
	if f.ID == "" {
		for _, r := range rows {
			c.line("rules_row", terminal.Pad(r.GetId(), 32), terminal.Pad(c.rowSeverity(r), 10), c.rowText(r))
		}
		return nil
	}
	i := slices.IndexFunc(rows, func(r shownRow) bool { return r.GetId() == f.ID })
	if i < 0 {
		return problemf("problem_no_row", f.ID)
	}
	return c.showRow(rows[i])
}

func shownRows(c *carev1.RulePackContent) (out []shownRow) {
	for _, r := range c.GetRules() {
		out = append(out, r)
	}
	for _, r := range c.GetProposals() {
		out = append(out, r)
	}
	for _, r := range c.GetPopulations() {
		out = append(out, r)
	}
	for _, r := range c.GetDue() {
		out = append(out, r)
	}
	for _, t := range c.GetThresholds() {
		out = append(out, t)
	}
	return out
}

// rowText is the words of a row in the reader's language.
func (c *call) rowText(r shownRow) string {
	if c.words.Language() == words.Chinese {
		return r.GetZh()
	}
	return r.GetEn()
}

// rowSeverity is how grave a row is, where it has that, and whether it is switched off.
func (c *call) rowSeverity(r shownRow) string {
	off, _ := r.(interface{ GetOff() bool })
	if off != nil && off.GetOff() {
		return c.say("rules_off")
	}
	rule, ok := r.(*carev1.Rule)
	if !ok {
		return ""
	}
	return c.say("rules_severity_" + strings.ToLower(strings.TrimPrefix(rule.GetSeverity().String(), "SEVERITY_")))
}

// showRow prints one row: its words, its source, and all of it as it stands in the pack.
func (c *call) showRow(r shownRow) error {
	c.line("rules_row", r.GetId(), c.rowSeverity(r), c.rowText(r))
	s := r.GetSource()
	c.line("rules_source", s.GetDocument(), s.GetSection(), c.say("rules_mark_"+strings.ToLower(strings.TrimPrefix(s.GetMark().String(), "SOURCE_MARK_"))))
	text := prototext.MarshalOptions{Multiline: true, Indent: "  "}.Format(r)
	_, err := io.WriteString(c.Stdout, "\n"+terminal.TameJSON(strings.ReplaceAll(text, ":  ", ": "))) // prototext varies its blanks on purpose
	return err
}
