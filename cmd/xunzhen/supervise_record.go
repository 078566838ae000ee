// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"io"
	"os"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	schemav1 "github.com/xunzhen/xunzhen/api/xunzhen/schema/v1"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
)

// superviseRecord records what came of calling people.
type superviseRecord struct {
	roundFlags
	File    string `arg:"" optional:"" help:"help_supervise_results_file" placeholder:"FILE"`
	Accept  bool   `help:"help_supervise_accept"`
	Author  string `help:"help_supervise_author" required:"" placeholder:"ID"`
	Purpose string `help:"help_supervise_purpose" default:"" placeholder:"TEXT"`
	DryRun  bool   `help:"help_supervise_dry_run"`
	Json    bool   `help:"help_json"`
}

// recordedJSON is a result for programs.
type recordedJSON struct {
	ID               string              `json:"id"`
	ProposedTruth    string              `json:"proposed_truth"`
	ProposedStandard string              `json:"proposed_standard"`
	Truth            string              `json:"truth"`
	Standard         string              `json:"standard"`
	Contact          string              `json:"contact"`
	Contradictions   []contradictionJSON `json:"contradictions"`
	Notes            []contradictionJSON `json:"notes"`
	Faults           []contradictionJSON `json:"faults"`
}

type contradictionJSON struct {
	Question string `json:"question"`
	ZH       string `json:"zh"`
	EN       string `json:"en"`
	Record   string `json:"record,omitempty"`
}

// Run records a file, or asks at the terminal one after the other.
func (f superviseRecord) Run(c *call) error {
	if f.File == "" {
		if c.AskLine == nil {
			return problemf("problem_results_none")
		}
		return f.open(c, func(o *office.Office, county office.ServingCounty) error { return f.ask(c, o, county) })
	}
	raw, err := f.read(c)
	if err != nil {
		return err
	}
	results, err := readResults(raw)
	if err != nil {
		return err
	}
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error { return f.record(c, o, results) })
}

func (f superviseRecord) read(c *call) ([]byte, error) {
	r := c.Stdin
	if f.File != "-" {
		file, err := os.Open(f.File)
		if err != nil {
			return nil, err
		}
		defer file.Close() //nolint:errcheck // it was read only
		r = file
	}
	raw, err := io.ReadAll(io.LimitReader(r, maxResultsFile+1))
	if err == nil && len(raw) > maxResultsFile {
		err = problemf("problem_results_size", maxResultsFile>>20)
	}
	return raw, err
}

func (f superviseRecord) request(c *call, results []*officev1.CheckResult, dry bool) *officev1.RecordResultsRequest {
	return &officev1.RecordResultsRequest{
		Author: f.Author, Results: results, AcceptProposals: f.Accept, Chinese: c.words.Language() == words.Chinese, DryRun: dry,
	}
}

func (f superviseRecord) record(c *call, o *office.Office, results []*officev1.CheckResult) error {
	if len(results) == 0 {
		return problemf("problem_results_empty", f.File)
	}
	reply, err := o.RecordResults(c.ctx, f.request(c, results, f.DryRun))
	if err != nil {
		return err
	}
	if err := c.refuse(reply.GetProblems()); err != nil {
		return err
	}
	all := []recordedJSON{}
	for _, r := range reply.GetResults() {
		all = append(all, recordedOf(r))
	}
	if f.Json {
		return c.json(all)
	}
	for _, r := range all {
		c.tellRecorded(r)
	}
	if f.DryRun {
		c.line("supervise_dry")
	} else {
		c.line("supervise_recorded", len(all))
	}
	return nil
}

func recordedOf(r *officev1.RecordedResult) recordedJSON {
	word := func(e protoreflect.Enum) string {
		return strings.ToLower(strings.TrimPrefix(string(e.Descriptor().Values().ByNumber(e.Number()).Name()), enumPrefix(e.Descriptor())))
	}
	list := func(all []*officev1.Contradiction) []contradictionJSON {
		out := []contradictionJSON{}
		for _, one := range all {
			out = append(out, contradictionJSON{one.GetQuestion(), one.GetZh(), one.GetEn(), idText(one.GetRecordId())})
		}
		return out
	}
	return recordedJSON{
		idText(r.GetVerificationId()), word(r.GetProposedTruth()), word(r.GetProposedStandard()), word(r.GetForm().GetTruthVerdict()),
		word(r.GetForm().GetStandardVerdict()), word(r.GetForm().GetContact()), list(r.GetContradictions()), list(r.GetNotes()), list(r.GetFaults()),
	}
}

func (c *call) tellRecorded(r recordedJSON) {
	c.line("supervise_one_recorded", r.ID, c.say("supervise_contact_"+r.Contact), c.say("supervise_truth_"+r.Truth), c.say("supervise_standard_"+r.Standard))
	for _, list := range []struct {
		key string
		all []contradictionJSON
	}{{"supervise_contradicts", r.Contradictions}, {"supervise_differs", r.Notes}, {"supervise_fault", r.Faults}} {
		for _, one := range list.all {
			c.line(list.key, c.either(one.ZH, one.EN))
		}
	}
}

// errEnough ends asking.
var errEnough = errors.New("enough")

// ask goes through those about whom nothing is recorded yet, and saves each.
func (f superviseRecord) ask(c *call, o *office.Office, county office.ServingCounty) error {
	q := &officev1.ListCallSheetsRequest{RoundId: f.id(county), OpenOnly: true}
	if f.Purpose != "" {
		q.WholeNumbers, q.Author, q.Purpose = true, f.Author, f.Purpose
	}
	sheets, _, err := o.CallSheets(c.ctx, q, 200)
	if err != nil {
		return err
	}
	done := 0
	for _, s := range sheets {
		err := f.askOne(c, o, s)
		if errors.Is(err, errEnough) {
			break
		}
		if err != nil {
			return err
		}
		done++
	}
	c.line("supervise_asked", done, len(sheets)-done)
	return nil
}

func (f superviseRecord) askOne(c *call, o *office.Office, s *officev1.CallSheet) error {
	if err := c.tellSheets([]sheetJSON{sheetOf(s)}); err != nil {
		return err
	}
	form := &carev1.Verification{}
	for _, name := range []string{"mode", "call_result", "contact", "respondent"} {
		if name == "call_result" && form.GetMode() != carev1.VerificationMode_VERIFICATION_MODE_PHONE ||
			name == "contact" && form.GetCallResult() != 0 && form.GetCallResult() != carev1.VerificationCallResult_VERIFICATION_CALL_RESULT_CONNECTED ||
			name == "respondent" && form.GetContact() != carev1.VerificationContact_VERIFICATION_CONTACT_ACCEPTED {
			continue
		}
		if err := f.askField(c, form, name); err != nil {
			return err
		}
	}
	if form.GetContact() == carev1.VerificationContact_VERIFICATION_CONTACT_ACCEPTED {
		for _, q := range s.GetQuestions() {
			if err := f.askUntil(c, c.either(q.GetZh(), q.GetEn())+"  ["+c.either(q.GetSaysZh(), q.GetSaysEn())+"]", func(text string) error { return answer(form, q.GetId(), text) }); err != nil {
				return err
			}
		}
	}
	return f.decide(c, o, &officev1.CheckResult{VerificationId: s.GetVerificationId(), Form: form})
}

// askField asks for a code of the form; it must be answered.
func (f superviseRecord) askField(c *call, form *carev1.Verification, name string) error {
	field := form.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(name))
	o, _ := proto.GetExtension(field.Options(), schemav1.E_Field).(*schemav1.FieldOptions)
	var codes []string
	for i := range field.Enum().Values().Len() {
		if v := field.Enum().Values().Get(i); v.Number() != 0 {
			codes = append(codes, c.say("supervise_code", int(v.Number()), c.codeName(v)))
		}
	}
	return f.askUntil(c, c.either(o.GetZh(), o.GetEn())+"  ("+strings.Join(codes, "  ")+")", func(text string) error {
		if text == "" {
			return errAnswer
		}
		return setAnswer(form.ProtoReflect(), field, text)
	})
}

// askUntil asks until the answer is one; q ends everything.
func (f superviseRecord) askUntil(c *call, prompt string, take func(string) error) error {
	for {
		text, err := c.AskLine("  " + prompt + ": ")
		if err != nil {
			return err
		}
		if text == "q" {
			return errEnough
		}
		if take(text) == nil {
			return nil
		}
		c.note("supervise_no_answer")
	}
}

// decide shows what is proposed and takes what a person says.
func (f superviseRecord) decide(c *call, o *office.Office, r *officev1.CheckResult) error {
	look := f.request(c, []*officev1.CheckResult{r}, true)
	look.AcceptProposals = true
	reply, err := o.RecordResults(c.ctx, look)
	if err != nil {
		return err
	}
	if len(reply.GetProblems()) > 0 {
		return c.refuse(reply.GetProblems())
	}
	c.tellRecorded(recordedOf(reply.GetResults()[0]))
	accept := false
	err = f.askUntil(c, c.say("supervise_ask_accept"), func(text string) error {
		switch strings.ToLower(text) {
		case "y", "yes", "是":
			accept = true
			return nil
		case "n", "no", "否":
			return nil
		}
		return errAnswer
	})
	if err != nil {
		return err
	}
	if !accept && r.Form.GetContact() == carev1.VerificationContact_VERIFICATION_CONTACT_ACCEPTED {
		if err := f.askField(c, r.Form, "truth_verdict"); err != nil {
			return err
		}
		if r.Form.GetTruthVerdict() == carev1.VerificationVerdict_VERIFICATION_VERDICT_UNTRUE {
			if err := f.askUntil(c, c.say("supervise_ask_reason"), func(text string) error {
				r.Form.UntrueReason = text
				return nil
			}); err != nil {
				return err
			}
		}
	}
	save := f.request(c, []*officev1.CheckResult{r}, f.DryRun)
	save.AcceptProposals = accept
	if reply, err = o.RecordResults(c.ctx, save); err != nil {
		return err
	}
	return c.refuse(reply.GetProblems())
}
