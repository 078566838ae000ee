// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/hex"
	"strings"
	"time"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// windowFlag says which frozen window.
type windowFlag struct {
	Period string `help:"help_report_window" required:"" placeholder:"2026H1"`
}

func (f windowFlag) read() (indicators.Period, error) {
	p, err := indicators.ParsePeriod(f.Period)
	if err != nil {
		return p, problemf("problem_report_period", f.Period)
	}
	return p, nil
}

// reportFreeze keeps the figures of a window as records.
type reportFreeze struct {
	officeFlags
	windowFlag
	Author string `help:"help_release_author" required:"" placeholder:"ID"`
	Json   bool   `help:"help_json"`
}

// Run freezes it.
func (f reportFreeze) Run(c *call) error {
	p, err := f.read()
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		var info *officev1.FreezeInfo
		err := c.asking("report_freezing", p, func(progress office.Progress) (err error) {
			info, err = o.Freeze(c.ctx, wireWindow(p), f.Author, progress)
			return err
		})
		if err != nil {
			return err
		}
		if f.Json {
			return c.json(freezeTextOf(info))
		}
		w := info.GetCompleteness()
		c.line("report_froze", p.String(), info.GetPersons(), info.GetRecords())
		c.line("report_froze_digest", hex.EncodeToString(info.GetOutcomesSha256()), info.GetLedgerSize())
		c.line("report_complete", hundredthsOf(w.GetCoversPermille()), w.GetHeard(), w.GetTablets(), w.GetOldestSyncDays())
		return nil
	})
}

// freezeText is a frozen window for programs.
type freezeText struct {
	Record     string                 `json:"record"`
	Period     string                 `json:"period"`
	FrozenAt   time.Time              `json:"frozen_at"`
	Author     string                 `json:"author"`
	LedgerSize uint64                 `json:"ledger_size"`
	LedgerRoot string                 `json:"ledger_root"`
	Position   uint64                 `json:"position"`
	Digest     string                 `json:"outcomes_sha256"`
	Persons    uint64                 `json:"persons"`
	Pack       string                 `json:"pack"`
	Complete   *officev1.Completeness `json:"completeness"`
}

func periodOf(w *officev1.Window) indicators.Period {
	return indicators.Period{From: care.Date(w.GetFrom()), To: care.Date(w.GetTo())}
}

func freezeTextOf(f *officev1.FreezeInfo) freezeText {
	return freezeText{
		Record: idText(f.GetRecord()), Period: periodOf(f.GetWindow()).String(), FrozenAt: time.UnixMilli(f.GetFrozenAtMs()).UTC(), Author: f.GetAuthor(),
		LedgerSize: f.GetLedgerSize(), LedgerRoot: hex.EncodeToString(f.GetLedgerRoot()), Position: f.GetPosition(), Digest: hex.EncodeToString(f.GetOutcomesSha256()),
		Persons: f.GetPersons(), Pack: strings.TrimSpace(f.GetPackName() + " " + f.GetPackVersion()), Complete: f.GetCompleteness(),
	}
}

// reportFreezes lists what is frozen.
type reportFreezes struct {
	officeFlags
	Json bool `help:"help_json"`
}

// Run lists it, the latest window first.
func (f reportFreezes) Run(c *call) error {
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		all, err := o.Freezes(c.ctx)
		if err != nil {
			return err
		}
		texts := []freezeText{}
		t := terminal.Table{Head: []string{c.say("report_head_period"), c.say("report_head_frozen"), c.say("report_head_by"), c.say("report_head_persons"), c.say("report_head_covers"), c.say("report_head_digest")}}
		for _, one := range all {
			text := freezeTextOf(one)
			texts = append(texts, text)
			t.Add(text.Period, minute(text.FrozenAt), text.Author, grouped(int64(text.Persons)), hundredthsOf(one.GetCompleteness().GetCoversPermille())+"%", text.Digest[:16])
		}
		switch {
		case f.Json:
			return c.json(texts)
		case len(all) == 0:
			c.line("report_no_freezes")
			return nil
		}
		return t.Write(c.Stdout)
	})
}

// reportCompare prints frozen figures (A) beside those of today (B).
type reportCompare struct {
	officeFlags
	windowFlag
	Division []string `help:"help_report_division" placeholder:"CODE"`
	Level    string   `help:"help_report_level" enum:"county,township,village" default:"county" placeholder:"county|township|village"`
	Codes    []string `arg:"" optional:"" name:"code" help:"help_report_codes"`
	Json     bool     `help:"help_json"`
}

// Run prints those that differ, and how many do not.
func (f reportCompare) Run(c *call) error {
	p, err := f.read()
	if err != nil {
		return err
	}
	q := &officev1.AssessmentQuery{
		Window: wireWindow(p), Divisions: f.Division, Level: officev1.AssessedLevel(officev1.AssessedLevel_value["ASSESSED_LEVEL_"+strings.ToUpper(f.Level)]),
	}
	for _, code := range f.Codes {
		q.Codes = append(q.Codes, strings.ToUpper(code))
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		k, err := catalogueOf(c, o)
		if err != nil {
			return err
		}
		var pairs []*officev1.FigurePair
		var info *officev1.FreezeInfo
		err = c.asking("report_counting", p, func(progress office.Progress) (err error) {
			pairs, info, err = o.Compare(c.ctx, q, progress)
			return err
		})
		if err != nil {
			return err
		}
		if f.Json {
			return c.json(pairTexts(c, k, pairs))
		}
		return tellPairs(c, k, p, pairs, info)
	})
}

type pairText struct {
	A figureText `json:"frozen"`
	B figureText `json:"now"`
}

func pairTexts(c *call, k catalogue, pairs []*officev1.FigurePair) []pairText {
	out := []pairText{}
	for _, p := range pairs {
		out = append(out, pairText{figureTextOf(c, k, nil, p.GetFrozen()), figureTextOf(c, k, nil, p.GetNow())})
	}
	return out
}

func tellPairs(c *call, k catalogue, p indicators.Period, pairs []*officev1.FigurePair, info *officev1.FreezeInfo) error {
	t := terminal.Table{
		Head: []string{
			c.say("report_head_code"), c.say("report_head_indicator"), c.say("report_head_unit"), "A " + c.say("report_head_count"), "A", "B " + c.say("report_head_count"), "B",
		}, Right: []bool{false, false, false, true, true, true, true},
	}
	same := 0
	for _, one := range pairs {
		a, b := one.GetFrozen(), one.GetNow()
		if a.GetNumerator() == b.GetNumerator() && a.GetDenominator() == b.GetDenominator() && a.GetAmount() == b.GetAmount() && a.GetValueX100() == b.GetValueX100() {
			same++
			continue
		}
		t.Add(a.GetCode(), k.title(c, a.GetCode()), a.GetDivision(), k.of(a), k.value(a.GetCode(), a.ValueX100), k.of(b), k.value(b.GetCode(), b.ValueX100))
	}
	if len(t.Rows) > 0 {
		if err := t.Write(c.Stdout); err != nil {
			return err
		}
	}
	c.line("report_compared", p.String(), minute(time.UnixMilli(info.GetFrozenAtMs())), len(t.Rows), same)
	return nil
}

// reportLate lists what came after a window was frozen.
type reportLate struct {
	officeFlags
	windowFlag
	Division []string `help:"help_report_division" placeholder:"CODE"`
	Limit    int      `help:"help_report_limit" default:"200" placeholder:"N"`
	Json     bool     `help:"help_json"`
}

// lateText is a late record for programs.
type lateText struct {
	Record     string    `json:"record"`
	Kind       string    `json:"kind"`
	Resident   string    `json:"resident,omitempty"`
	Divisions  []string  `json:"divisions"`
	Dated      string    `json:"dated"`
	ReceivedAt time.Time `json:"received_at"`
	ChangedAt  time.Time `json:"changed_at"`
	Author     string    `json:"author"`
	Correction bool      `json:"correction"`
	Voided     bool      `json:"voided"`
}

// Run lists it.
func (f reportLate) Run(c *call) error {
	p, err := f.read()
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		all, more, err := o.Late(c.ctx, wireWindow(p), f.Division, max(f.Limit, 1))
		if err != nil {
			return reportProblem(err, p)
		}
		texts := []lateText{}
		for _, l := range all {
			texts = append(texts, lateTextOf(l))
		}
		if f.Json {
			return c.json(map[string]any{"late": texts, "more": more})
		}
		return f.tell(c, p, texts, more)
	})
}

func lateTextOf(l *officev1.LateRecord) lateText {
	t := lateText{
		Record: idText(l.GetRecord()), Resident: idText(l.GetResident()), Divisions: l.GetDivisions(), Dated: care.Date(l.GetDated()).String(),
		ReceivedAt: time.UnixMilli(l.GetReceivedAtMs()).UTC(), ChangedAt: time.UnixMilli(l.GetChangedAtMs()).UTC(), Author: l.GetAuthor(),
		Correction: l.GetCorrection(), Voided: l.GetVoided(),
	}
	if len(l.GetRecord()) == len(record.ID{}) {
		t.Kind = kindName(record.ID(l.GetRecord()).Kind())
	}
	return t
}

func (f reportLate) tell(c *call, p indicators.Period, all []lateText, more bool) error {
	if len(all) == 0 && !more {
		c.line("report_none_late", p.String())
		return nil
	}
	t := terminal.Table{Head: []string{
		c.say("report_head_dated"), c.say("report_head_received"), c.say("report_head_kind"), c.say("report_head_division"), c.say("report_head_by"), c.say("report_head_id"), "",
	}}
	for _, l := range all {
		remark, at := "", l.ReceivedAt
		if l.Correction {
			remark, at = c.say("report_correction"), l.ChangedAt
		}
		if l.Voided {
			remark = strings.TrimSpace(remark + " " + c.say("report_voided"))
		}
		t.Add(l.Dated, minute(at), c.kind(l.Kind), strings.Join(l.Divisions, " "), l.Author, l.Record, remark)
	}
	if err := t.Write(c.Stdout); err != nil {
		return err
	}
	c.line("report_late", p.String(), len(all))
	if more {
		c.line("report_more", f.Limit)
	}
	return nil
}

// reportVerify counts a frozen window again from the ledger.
type reportVerify struct {
	officeFlags
	windowFlag
	Json bool `help:"help_json"`
}

// Run fails when the ledger says otherwise.
func (f reportVerify) Run(c *call) error {
	p, err := f.read()
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		var r *officev1.VerifyFreezeReport
		err := c.asking("report_verifying", p, func(progress office.Progress) (err error) {
			r, err = o.VerifyFreeze(c.ctx, wireWindow(p), progress)
			return err
		})
		if err != nil {
			return err
		}
		frozen, ledger := hex.EncodeToString(r.GetFrozenSha256()), hex.EncodeToString(r.GetLedgerSha256())
		if f.Json {
			err = c.json(map[string]any{
				"same": r.GetSame(), "frozen_sha256": frozen, "ledger_sha256": ledger, "frozen_persons": r.GetFrozenPersons(),
				"ledger_persons": r.GetLedgerPersons(), "root_holds": r.GetRootHolds(), "because": append([]string{}, r.GetBecause()...),
			})
		} else {
			tellVerified(c, p, r, frozen, ledger)
		}
		if err == nil && !r.GetSame() {
			err = errSilent
		}
		return err
	})
}

func tellVerified(c *call, p indicators.Period, r *officev1.VerifyFreezeReport, frozen, ledger string) {
	if r.GetSame() {
		c.line("report_verified", p.String(), r.GetFrozenPersons(), frozen)
		return
	}
	c.line("report_not_verified", p.String(), frozen, r.GetFrozenPersons(), ledger, r.GetLedgerPersons())
	if !r.GetRootHolds() {
		c.line("report_root_differs")
	}
	for _, why := range r.GetBecause() {
		c.line("report_because_" + why)
	}
}

// reportWork prints what each doctor did.
type reportWork struct {
	reportFlags
}

// Run prints it.
func (f reportWork) Run(c *call) error {
	q, p, err := f.query(c, "doctor")
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		var all []*officev1.DoctorWork
		err := c.asking("report_counting", p, func(progress office.Progress) (err error) {
			all, err = o.WorkPoints(c.ctx, q, progress)
			return err
		})
		if err != nil {
			return err
		}
		if f.Json {
			return c.json(map[string]any{"period": p.String(), "doctors": all})
		}
		return f.tell(c, all)
	})
}

func (f reportWork) tell(c *call, all []*officev1.DoctorWork) error {
	if len(all) == 0 {
		c.line("report_nobody")
		return nil
	}
	t := terminal.Table{
		Columns: c.tableColumns(), Head: []string{c.say("report_head_doctor"), c.say("report_head_name"), c.say("report_head_points"), c.say("report_head_work")},
		Right: []bool{false, false, true},
	}
	for _, d := range all {
		var items []string
		for _, w := range d.GetItems() {
			text := w.GetEn()
			if c.words.Language() == "zh" {
				text = w.GetZh()
			}
			items = append(items, text+" "+grouped(w.GetTimes()))
		}
		t.Add(d.GetDoctor(), d.GetName(), hundredths(d.GetPointsX100()), strings.Join(items, ", "))
	}
	return t.Write(c.Stdout)
}
