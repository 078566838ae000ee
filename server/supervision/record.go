// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"context"
	"fmt"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// MaxResults is how many results are recorded in one call.
const MaxResults = 500

// Result is what came of calling somebody: what is filled in replaces what was recorded.
type Result struct {
	ID   record.ID
	Form *carev1.Verification
}

// Recorded is a result with what is proposed.
type Recorded struct {
	ID       record.ID
	Proposal supervision.Proposal
	Form     *carev1.Verification // as saved, or as it would be
}

// Recording says how results are recorded.
type Recording struct {
	Author string
	// Accept takes the proposed verdict where a result has none: somebody decided to.
	Accept  bool
	Chinese bool // reasons are written so
	Dry     bool
}

// Record records results in one transaction, or none where there are problems.
func (s *Supervision) Record(ctx context.Context, how Recording, results []Result, sight Sight) ([]Recorded, []Problem, error) {
	if len(results) > MaxResults {
		return nil, []Problem{{"too_many", fmt.Sprint(len(results)), fmt.Sprint(MaxResults)}}, nil
	}
	var out []Recorded
	var saves []syncengine.OfficeSave
	var problems []Problem
	seen := map[record.ID]bool{}
	for _, r := range results {
		one, save, wrong, err := s.recordOne(ctx, how, r, sight)
		if err != nil {
			return nil, nil, fmt.Errorf("record results: %w", err)
		}
		if seen[r.ID] {
			wrong = append(wrong, Problem{"twice", r.ID.String(), ""})
		}
		seen[r.ID] = true
		problems = append(problems, wrong...)
		out = append(out, one)
		saves = append(saves, save...)
	}
	if len(problems) > 0 || how.Dry || len(saves) == 0 {
		return out, problems, nil
	}
	_, err := s.cfg.Records.Save(ctx, how.Author, saves...)
	return out, nil, err
}

func (s *Supervision) recordOne(ctx context.Context, how Recording, r Result, sight Sight) (Recorded, []syncengine.OfficeSave, []Problem, error) {
	out := Recorded{ID: r.ID}
	check, scope, plan, err := s.check(ctx, r.ID)
	if err != nil {
		return out, nil, nil, err
	}
	if check.shown == nil || plan == nil || !sight.sees(string(scope)) {
		return out, nil, []Problem{{"no_check", r.ID.String(), ""}}, nil
	}
	f := proto.CloneOf(check.m)
	if err := s.fillIn(f, r.Form, how.Author); err != nil {
		return out, nil, nil, err
	}
	person, err := s.subject(ctx, r.ID)
	if err != nil {
		return out, nil, nil, err
	}
	said, err := s.said(ctx, person, plan)
	if err != nil {
		return out, nil, nil, err
	}
	s.standard(f, said, plan)
	out.Proposal = supervision.Propose(f, said)
	decide(f, r.Form, out.Proposal, how)
	out.Form = f
	problems := s.checkResult(r.ID, f)
	save, changed, err := check.save(f, "", record.ID{})
	if err != nil || !changed {
		return out, nil, problems, err
	}
	return out, []syncengine.OfficeSave{save}, problems, nil
}

// check reads a check with where it is sent and the plan of its round; a nil plan where there is
// no round.
func (s *Supervision) check(ctx context.Context, id record.ID) (form[*carev1.Verification], record.Division, *carev1.SupervisionPlan, error) {
	if id.Kind() != supervision.KindVerification {
		return form[*carev1.Verification]{}, "", nil, nil
	}
	check, err := read(ctx, s.cfg.Records, id, &carev1.Verification{})
	if err != nil || check.shown == nil || len(check.m.GetSampleId()) != len(record.ID{}) {
		return check, "", nil, err
	}
	round, err := read(ctx, s.cfg.Records, record.ID(check.m.GetSampleId()), &carev1.SupervisionRound{})
	return check, scopeIn(check.shown), round.m.GetPlan(), err
}

// scopeIn returns the displayed scope.
func scopeIn(registers []record.Register) record.Division {
	for _, g := range registers {
		if g.Path == record.PathScope && len(g.Siblings) > 0 && g.Siblings[0].Value.Form == record.Present {
			return record.Division(g.Siblings[0].Value.Bytes)
		}
	}
	return ""
}

// subject returns whom a record is about.
func (s *Supervision) subject(ctx context.Context, id record.ID) (record.ID, error) {
	view, err := s.cfg.Records.Get(ctx, id)
	if err != nil {
		return record.ID{}, err
	}
	subject, _ := view.State.Subject()
	return subject, nil
}

// fillIn puts what a result says in place of what was recorded, and adds an attempt.
func (s *Supervision) fillIn(f, result *carev1.Verification, author string) error {
	given := proto.CloneOf(result)
	// What the draw has fixed is not the caller's to say.
	given.SampleId, given.Stratum, given.Populations, given.CheckedDoctorId, given.CheckedOrganisationCode = nil, "", nil, "", ""
	if items := given.GetTruth().GetCheckupItems(); len(items) > 0 && f.GetTruth() != nil {
		f.Truth.CheckupItems = nil // a list is replaced, not added to
	}
	proto.Merge(f, given)
	f.Contact = contactOf(f, given)
	if f.GetServiceDate() == 0 {
		f.ServiceDate = int32(s.today())
	}
	if f.GetDoctorId() == "" {
		f.DoctorId = author
	}
	if f.GetContact() != 0 {
		f.Status = carev1.FormStatus_FORM_STATUS_SUBMITTED
	}
	if f.VerifierSignature == nil {
		f.VerifierSignature = &carev1.Signature{StaffId: f.GetDoctorId(), SignedAtMs: s.cfg.Clock().UnixMilli()}
	}
	return s.attempt(f, given)
}

// attempt adds a call or visit that a result tells of.
func (s *Supervision) attempt(f, given *carev1.Verification) error {
	if given.GetContact() == 0 && given.GetCallResult() == 0 || len(given.GetAttempts()) > 0 {
		return nil
	}
	key, err := s.entryKey()
	if err != nil {
		return err
	}
	if f.Attempts == nil {
		f.Attempts = map[string]*carev1.VerificationAttempt{}
	}
	f.Attempts[key] = &carev1.VerificationAttempt{TriedAtMs: s.cfg.Clock().UnixMilli(), Mode: f.GetMode(), CallResult: f.GetCallResult()}
	return nil
}

// contactOf returns the class of contact: as a result says, else as the result of its call does.
func contactOf(f, given *carev1.Verification) carev1.VerificationContact {
	if given.GetContact() != 0 || given.GetCallResult() == 0 {
		return f.GetContact()
	}
	switch given.GetCallResult() {
	case carev1.VerificationCallResult_VERIFICATION_CALL_RESULT_CONNECTED:
		return carev1.VerificationContact_VERIFICATION_CONTACT_ACCEPTED
	case carev1.VerificationCallResult_VERIFICATION_CALL_RESULT_NO_ANSWER:
		return carev1.VerificationContact_VERIFICATION_CONTACT_NOT_REACHED
	}
	return carev1.VerificationContact_VERIFICATION_CONTACT_WRONG_ADDRESS
}

// standard fills in what can be read from the records, where nobody said otherwise.
func (s *Supervision) standard(f *carev1.Verification, said supervision.Said, plan *carev1.SupervisionPlan) {
	from, to := care.Date(plan.GetFromOn()), care.Date(plan.GetToOn())
	proposed := supervision.ProposeStandard(f.GetPopulations(), said, supervision.VisitsWanted(from, to))
	if f.Standard != nil {
		proto.Merge(proposed, f.Standard)
	}
	if proto.Size(proposed) > 0 {
		f.Standard = proposed
	}
}

// decide writes verdicts: those that a result gives; where it gives none and somebody decided so,
// the proposed ones in place of what was recorded before.
func decide(f, given *carev1.Verification, p supervision.Proposal, how Recording) {
	if how.Accept && given.GetTruthVerdict() == 0 {
		f.TruthVerdict, f.UntrueReason = p.Truth, given.GetUntrueReason()
	}
	if how.Accept && given.GetStandardVerdict() == 0 {
		f.StandardVerdict, f.NotStandardReason = p.Standard, given.GetNotStandardReason()
	}
	if f.GetContact() != carev1.VerificationContact_VERIFICATION_CONTACT_ACCEPTED {
		f.TruthVerdict = 0
	}
	switch {
	case f.TruthVerdict != carev1.VerificationVerdict_VERIFICATION_VERDICT_UNTRUE:
		f.UntrueReason = ""
	case f.UntrueReason == "":
		f.UntrueReason = supervision.Reason(p.Contradictions, how.Chinese)
	}
	switch {
	case f.StandardVerdict != carev1.StandardVerdict_STANDARD_VERDICT_NOT_STANDARD:
		f.NotStandardReason = ""
	case f.NotStandardReason == "":
		f.NotStandardReason = supervision.Reason(p.Faults, how.Chinese)
	}
}

// checkResult says what is wrong with a result.
func (s *Supervision) checkResult(id record.ID, f *carev1.Verification) []Problem {
	var out []Problem
	add := func(wrong bool, code string) {
		if wrong {
			out = append(out, Problem{code, id.String(), ""})
		}
	}
	accepted := f.GetContact() == carev1.VerificationContact_VERIFICATION_CONTACT_ACCEPTED
	phone := f.GetMode() == carev1.VerificationMode_VERIFICATION_MODE_PHONE
	connected := f.GetCallResult() == carev1.VerificationCallResult_VERIFICATION_CALL_RESULT_CONNECTED
	add(f.GetMode() == 0, "mode")
	add(phone && f.GetCallResult() == 0, "call_result")
	add(f.GetContact() == 0, "contact")
	add(phone && accepted && !connected || phone && f.GetContact() == carev1.VerificationContact_VERIFICATION_CONTACT_REFUSED && !connected, "contact_call")
	add(accepted && f.GetRespondent() == 0, "respondent")
	add(!accepted && proto.Size(f.GetTruth()) > 0, "answers")
	add(!care.Date(f.GetServiceDate()).Whole() || care.Date(f.GetServiceDate()) > s.today(), "service_date")
	add(f.GetCheckedDoctorId() != "" && f.GetDoctorId() == f.GetCheckedDoctorId(), "own_doctor")
	add(f.GetTruthVerdict() == carev1.VerificationVerdict_VERIFICATION_VERDICT_UNTRUE && f.GetUntrueReason() == "", "untrue_reason")
	add(f.GetStandardVerdict() == carev1.StandardVerdict_STANDARD_VERDICT_NOT_STANDARD && f.GetNotStandardReason() == "", "standard_reason")
	for field, values := range map[string]map[int32]string{
		"mode": carev1.VerificationMode_name, "call_result": carev1.VerificationCallResult_name, "contact": carev1.VerificationContact_name,
	} {
		n := map[string]int32{"mode": int32(f.GetMode()), "call_result": int32(f.GetCallResult()), "contact": int32(f.GetContact())}[field]
		_, known := values[n]
		add(!known, field)
	}
	return out
}
