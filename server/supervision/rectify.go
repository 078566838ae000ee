// SPDX-License-Identifier: Apache-2.0

package supervision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/supervision"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/causal"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// Limits of rectifications.
const (
	MaxFaults  = 500    // given out in one call
	maxCarried = 10_000 // into one round
	maxFault   = 500    // characters
	maxSaves   = 64     // that a rectification names
)

// Fault is one fault to be put right. What is not given follows from the check or the record.
type Fault struct {
	Check, Record, Round     record.ID
	Rule, Text, Unit, Doctor string
	Division                 record.Division

	person record.ID
	source carev1.RectificationSource
	from   string
	saves  []string // the last of the record, by installation

	sensitive, unknown, faultless bool
}

// Rectification is one as it stands.
type Rectification struct {
	ID       record.ID
	Form     *carev1.Rectification
	Resident record.ID // zero: about a unit
	Division record.Division
	supervision.Stand
	DaysLeft int
	Overdue  bool
	// OnTablet says that more than the answers was changed on a tablet; what was changed there
	// counts for nothing in Stand.
	OnTablet bool
	// Missing are the answers, by key, that name a save which the record does not have.
	Missing  []string
	Conflict bool
}

// Issuing says how rectifications are given out.
type Issuing struct {
	Due care.Date // until when
	Dry bool      // save nothing
}

// Issue gives out rectifications, all in one transaction, or none where there are problems. One
// that exists is left as it is; before counts those.
func (s *Supervision) Issue(ctx context.Context, author string, faults []Fault, how Issuing, sight Sight) (out []Rectification, before int, problems []Problem, err error) {
	if len(faults) > MaxFaults {
		return nil, 0, []Problem{{"too_many", fmt.Sprint(len(faults)), fmt.Sprint(MaxFaults)}}, nil
	}
	if !how.Due.Whole() || how.Due < s.today() {
		problems = append(problems, Problem{"due_on", how.Due.String(), ""})
	}
	var saves []syncengine.OfficeSave
	made := map[record.ID]bool{}
	for i, f := range faults {
		if err := s.complement(ctx, &f); err != nil {
			return nil, 0, nil, fmt.Errorf("issue: %w", err)
		}
		if wrong := s.checkFault(i, f, sight); len(wrong) > 0 {
			problems = append(problems, wrong...)
			continue
		}
		id := supervision.RectificationID(f.about(), f.source, f.from)
		was, err := read(ctx, s.cfg.Records, id, &carev1.Rectification{})
		if err != nil {
			return nil, 0, nil, fmt.Errorf("issue: %w", err)
		}
		if was.shown == nil {
			was.m = f.form(s.today(), how.Due)
		} else {
			before++
		}
		save, changed, err := was.save(was.m, f.Division, f.person)
		if err != nil {
			return nil, 0, nil, fmt.Errorf("issue: %w", err)
		}
		if changed && !made[id] {
			made[id] = true
			saves = append(saves, save)
		}
		out = append(out, Rectification{ID: id, Form: was.m, Resident: f.person, Division: f.Division, Stand: supervision.StandOf(was.m)})
	}
	if len(problems) > 0 || how.Dry || len(saves) == 0 {
		return out, before, problems, nil
	}
	_, err = s.cfg.Records.Save(ctx, author, saves...)
	return out, before, nil, err
}

// about returns what the rectification is of: the record, the person, or the round.
func (f Fault) about() record.ID {
	return cmp.Or(f.Record, f.person, f.Round)
}

func (f Fault) form(today, due care.Date) *carev1.Rectification {
	m := &carev1.Rectification{
		IssuedOn: int32(today), OrganisationCode: f.Unit, DoctorId: f.Doctor, Source: f.source, RuleId: f.Rule,
		Fault: clean(f.Text, maxFault), DueOn: int32(due), TargetRevisions: f.saves,
	}
	for _, one := range []struct {
		into *[]byte
		id   record.ID
	}{{&m.TargetRecordId, f.Record}, {&m.RoundId, f.Round}, {&m.VerificationId, f.Check}} {
		if !one.id.IsZero() {
			*one.into = one.id[:]
		}
	}
	return m
}

// complement fills in what follows from the check and the record.
func (s *Supervision) complement(ctx context.Context, f *Fault) error {
	f.source = carev1.RectificationSource_RECTIFICATION_SOURCE_SUPERVISION
	f.from = f.Round.String() + "/" + f.Text
	if f.Rule != "" {
		f.source, f.from = carev1.RectificationSource_RECTIFICATION_SOURCE_FINDING, f.Rule
	}
	if !f.Check.IsZero() {
		if err := s.fromCheck(ctx, f); err != nil {
			return err
		}
	}
	if f.Record.IsZero() {
		return s.fromPerson(ctx, f)
	}
	view, err := s.cfg.Records.Get(ctx, f.Record)
	if syncengine.ReasonOf(err) == syncengine.ReasonNotFound {
		f.unknown = true
		return nil
	} else if err != nil {
		return err
	}
	registers := view.State.Registers()
	f.Division, f.saves = cmp.Or(f.Division, scopeIn(registers)), lastSaves(registers)
	if subject, ok := view.State.Subject(); ok {
		f.person = subject
	} else if f.Record.Kind() == care.KindResident {
		f.person = f.Record
	}
	info, _ := care.Kinds().Lookup(f.Record.Kind())
	f.sensitive = info.Class == record.ClassSensitive
	if m, err := care.Message(f.Record.Kind(), registers); err == nil {
		who, _ := m.(interface {
			GetDoctorId() string
			GetOrganisationCode() string
		})
		if who != nil {
			f.Doctor, f.Unit = cmp.Or(f.Doctor, who.GetDoctorId()), cmp.Or(f.Unit, who.GetOrganisationCode())
		}
	}
	return s.fromPerson(ctx, f)
}

// lastSaves returns the latest of the displayed saves by each installation, at most 64, sorted.
func lastSaves(registers []record.Register) []string {
	last := map[causal.ReplicaID]causal.Dot{}
	for _, g := range registers {
		for _, v := range g.Siblings {
			if v.Dot.Counter > last[v.Dot.Replica].Counter {
				last[v.Dot.Replica] = v.Dot
			}
		}
	}
	var out []string
	for _, d := range last {
		out = append(out, d.String())
	}
	slices.Sort(out)
	return out[:min(len(out), maxSaves)]
}

// fromCheck takes over what a check found.
func (s *Supervision) fromCheck(ctx context.Context, f *Fault) error {
	f.source, f.from = carev1.RectificationSource_RECTIFICATION_SOURCE_VERIFICATION, f.Check.String()
	check, _, _, err := s.check(ctx, f.Check)
	if err != nil {
		return err
	}
	if f.unknown = check.shown == nil; f.unknown {
		return nil
	}
	m := check.m
	f.Round = cmp.Or(f.Round, idOf(m.GetSampleId()))
	f.Record = cmp.Or(f.Record, idOf(m.GetTargetRecordId()))
	f.Doctor, f.Unit = cmp.Or(f.Doctor, m.GetCheckedDoctorId()), cmp.Or(f.Unit, m.GetCheckedOrganisationCode())
	f.Text = cmp.Or(f.Text, strings.Trim(m.GetUntrueReason()+"; "+m.GetNotStandardReason(), "; "))
	f.faultless = f.Text == ""
	f.person, err = s.subject(ctx, f.Check)
	return err
}

func idOf(b []byte) (id record.ID) {
	if len(b) == len(id) {
		copy(id[:], b)
	}
	return id
}

// fromPerson says where a person is in care, and with whom, where nothing else does.
func (s *Supervision) fromPerson(ctx context.Context, f *Fault) error {
	if f.person.IsZero() || f.Division != "" && f.Doctor != "" && f.Unit != "" {
		return nil
	}
	return s.cfg.Persons.View(ctx, func(conn *sqlite.Conn) error {
		_, err := sqlitefile.One(conn, sqlWho, func(q *sqlite.Stmt) { q.BindBytes(1, f.person[:]) }, func(q *sqlite.Stmt) {
			f.Division = cmp.Or(f.Division, record.Division(q.ColumnText(0)))
			f.Doctor, f.Unit = cmp.Or(f.Doctor, q.ColumnText(1)), cmp.Or(f.Unit, q.ColumnText(2))
		})
		return err
	})
}

func (s *Supervision) checkFault(at int, f Fault, sight Sight) []Problem {
	about := cmp.Or(f.Check, f.about()).String()
	if f.about().IsZero() && f.Check.IsZero() {
		about = fmt.Sprint(at + 1)
	}
	switch {
	case f.unknown, f.Division != "" && !sight.sees(string(f.Division)):
		return []Problem{{"unknown", about, ""}}
	case f.sensitive:
		return []Problem{{"sensitive", about, ""}}
	case f.faultless, strings.TrimSpace(f.Text) == "":
		return []Problem{{"no_fault", about, ""}}
	case f.Division == "" || !f.Division.Within(s.cfg.County) || !f.Division.ValidPrefix():
		return []Problem{{"no_division", about, ""}}
	}
	return nil
}

// Ruling is what the office says of a rectification.
type Ruling struct {
	Decision carev1.RectificationDecision
	Reason   string
	DueOn    care.Date // 0: it stays
	Seen     []string  // keys of the answers that were on the screen
}

// Rule rules. An answer that was not on the screen keeps waiting for the office.
func (s *Supervision) Rule(ctx context.Context, author string, id record.ID, r Ruling, sight Sight) (Rectification, []Problem, error) {
	f, err := read(ctx, s.cfg.Records, id, &carev1.Rectification{})
	if err != nil {
		return Rectification{}, nil, fmt.Errorf("rule: %w", err)
	}
	_, known := carev1.RectificationDecision_name[int32(r.Decision)]
	reason := strings.TrimSpace(r.Reason)
	switch {
	case f.shown == nil || !sight.sees(string(scopeIn(f.shown))):
		return Rectification{}, []Problem{{"no_rectification", id.String(), ""}}, nil
	case !known || r.Decision == 0:
		return Rectification{}, []Problem{{Code: "decision"}}, nil
	case r.Decision != carev1.RectificationDecision_RECTIFICATION_DECISION_CLOSED && reason == "", len([]rune(reason)) > maxFault:
		return Rectification{}, []Problem{{Code: "reason"}}, nil
	case r.DueOn != 0 && (!r.DueOn.Whole() || r.DueOn < s.today()):
		return Rectification{}, []Problem{{"due_on", r.DueOn.String(), ""}}, nil
	}
	for _, key := range r.Seen {
		if f.m.GetAnswers()[key] == nil {
			return Rectification{}, []Problem{{"seen", clean(key, 16), ""}}, nil
		}
	}
	edited, err := s.ruled(f.m, author, r, reason)
	if err != nil {
		return Rectification{}, nil, err
	}
	save, _, err := f.save(edited, "", record.ID{})
	if err == nil {
		_, err = s.cfg.Records.Save(ctx, author, save)
	}
	if err != nil {
		return Rectification{}, nil, fmt.Errorf("rule: %w", err)
	}
	out, err := s.rectification(ctx, id)
	return out, nil, err
}

func (s *Supervision) ruled(f *carev1.Rectification, author string, r Ruling, reason string) (*carev1.Rectification, error) {
	key, err := s.entryKey()
	if err != nil {
		return nil, err
	}
	edited := proto.CloneOf(f)
	if edited.Rulings == nil {
		edited.Rulings = map[string]*carev1.RectificationRuling{}
	}
	edited.Rulings[key] = &carev1.RectificationRuling{
		RuledAtMs: s.cfg.Clock().UnixMilli(), RuledById: author, Decision: r.Decision, Reason: reason, Seen: r.Seen, DueOn: int32(r.DueOn),
	}
	return edited, nil
}

// rectification reads one as it stands.
func (s *Supervision) rectification(ctx context.Context, id record.ID) (Rectification, error) {
	view, err := s.cfg.Records.Get(ctx, id)
	if err != nil {
		return Rectification{}, err
	}
	registers := view.State.Registers()
	out := Rectification{ID: id, Division: scopeIn(registers)}
	out.Resident, _ = view.State.Subject()
	believed, voided := registers[:0:0], false
	for _, g := range registers {
		out.Conflict = out.Conflict || len(g.Siblings) > 1
		centre, err := s.byCentre(ctx, g)
		if err != nil {
			return out, err
		}
		free := g.Path.Extends(record.Field(answersField)) || g.Path == record.PathLife && view.State.Life() != record.LifeVoided
		out.OnTablet = out.OnTablet || !centre && !free
		if g.Path == record.PathLife && centre && view.State.Life() == record.LifeVoided {
			voided = true
		}
		if centre || !g.Path.Extends(record.Field(rulingsField)) {
			believed = append(believed, g)
		}
	}
	m, err := care.Message(supervision.KindRectification, believed)
	if err != nil {
		return out, fmt.Errorf("rectification %s: %w", id, err)
	}
	f, ok := m.(*carev1.Rectification)
	if !ok {
		return out, care.ErrWrongForm
	}
	out.Form, out.Stand = f, supervision.StandOf(f)
	if voided {
		out.State = supervision.StateWithdrawn
	}
	out.DaysLeft, out.Overdue = daysBetween(s.today(), out.DueOn), out.Stand.Overdue(s.today())
	out.Missing, err = s.missing(ctx, f)
	return out, err
}

// Fields of a rectification.
const (
	answersField = 17
	rulingsField = 18
)

// byCentre reports whether the displayed value of a register was saved by the centre.
func (s *Supervision) byCentre(ctx context.Context, g record.Register) (bool, error) {
	if len(g.Siblings) == 0 {
		return true, nil
	}
	return s.isCentre(ctx, g.Siblings[0].Dot.Replica)
}

func (s *Supervision) isCentre(ctx context.Context, replica causal.ReplicaID) (bool, error) {
	cert, err := s.cfg.Records.CertificateOf(ctx, replica)
	if syncengine.ReasonOf(err) == syncengine.ReasonNotFound {
		return false, nil
	}
	return cert.Role == segment.RoleCentre, err
}

// missing returns the keys of answers that name a save which the record does not have: it may be
// on its way. Sorted.
func (s *Supervision) missing(ctx context.Context, f *carev1.Rectification) ([]string, error) {
	target := idOf(f.GetTargetRecordId())
	var out []string
	var view syncengine.RecordView
	for _, key := range slices.Sorted(maps.Keys(f.GetAnswers())) {
		text := f.GetAnswers()[key].GetRevision()
		if text == "" {
			continue
		}
		if view.State.Registers() == nil && !target.IsZero() {
			var err error
			if view, err = s.cfg.Records.Get(ctx, target); err != nil && syncengine.ReasonOf(err) != syncengine.ReasonNotFound {
				return nil, err
			}
		}
		dot, err := causal.ParseDot(text)
		if err != nil || !view.State.Received(dot) {
			out = append(out, key)
		}
	}
	return out, nil
}

// daysBetween returns how many days lie between two dates.
func daysBetween(from, to care.Date) int {
	day := func(d care.Date) time.Time {
		return time.Date(d.Year(), time.Month(d.Month()), d.Day(), 0, 0, 0, 0, time.UTC)
	}
	return int(day(to).Sub(day(from)) / (24 * time.Hour))
}

// FaultQuery selects rectifications; what is not given does not select.
type FaultQuery struct {
	Division    record.Division
	Doctor      string
	Round       record.ID // made in it, or carried into it
	State       supervision.State
	OverdueOnly bool
	Unsettled   bool
}

// By supervision_fault_due.
const sqlFaults = `SELECT id, round, carried, place, doctor, scope, state, due, replica FROM supervision_fault WHERE (due, id) > (?1, ?2) ORDER BY due, id`

// Rectifications returns a page, those due first at the beginning, behind a place.
func (s *Supervision) Rectifications(ctx context.Context, q FaultQuery, sight Sight, after Place, limit int) (out []Rectification, next *Place, err error) {
	if _, err := s.cfg.Persons.Follow(ctx); err != nil {
		return nil, nil, fmt.Errorf("rectifications: %w", err)
	}
	var found []Place
	err = s.cfg.Persons.View(ctx, func(conn *sqlite.Conn) error {
		var failed error
		err := sqlitefile.Query(conn, sqlFaults, func(st *sqlite.Stmt) {
			st.BindInt64(1, after.Key)
			st.BindBytes(2, after.ID[:])
		}, func(st *sqlite.Stmt) bool {
			var doubted bool
			if doubted, failed = s.doubted(ctx, st); failed != nil {
				return false
			}
			if !sight.sees(st.ColumnText(5)) || !q.selects(st) || !doubted && !q.stands(standOf(st), s.today()) {
				return true
			}
			if len(found) == limit {
				next = &found[limit-1]
				return false
			}
			found = append(found, Place{st.ColumnInt64(7), columnID(st, 0)})
			return true
		})
		return errors.Join(err, failed)
	})
	for _, one := range found {
		if err != nil {
			break
		}
		var r Rectification
		if r, err = s.rectification(ctx, one.ID); q.stands(r.Stand, s.today()) {
			out = append(out, r)
		}
	}
	return out, next, err
}

// doubted reports whether a row says that nothing is to be done any more and somebody else than
// the centre saved last: then what stands is read from the record.
func (s *Supervision) doubted(ctx context.Context, st *sqlite.Stmt) (bool, error) {
	if !standOf(st).State.Settled() {
		return false, nil
	}
	var last causal.ReplicaID
	copy(last[:], sqlitefile.Bytes(st, 8))
	centre, err := s.isCentre(ctx, last)
	return !centre, err
}

func standOf(st *sqlite.Stmt) supervision.Stand {
	return supervision.Stand{State: supervision.State(st.ColumnInt64(6)), DueOn: care.Date(st.ColumnInt64(7))}
}

func (q FaultQuery) selects(st *sqlite.Stmt) bool {
	return record.Division(st.ColumnText(3)).Within(q.Division) && (q.Doctor == "" || st.ColumnText(4) == q.Doctor) &&
		(q.Round.IsZero() || columnID(st, 1) == q.Round || strings.Contains(st.ColumnText(2), q.Round.String()))
}

// stands reports whether one that stands so is wanted.
func (q FaultQuery) stands(stand supervision.Stand, today care.Date) bool {
	return (q.State == 0 || stand.State == q.State) && (!q.OverdueOnly || stand.Overdue(today)) && (!q.Unsettled || !stand.State.Settled())
}

// carry returns the saves that carry what is not settled in a round's divisions into it.
func (s *Supervision) carry(ctx context.Context, id record.ID, round *carev1.SupervisionRound) ([]syncengine.OfficeSave, error) {
	var open []record.ID
	err := s.cfg.Persons.View(ctx, func(conn *sqlite.Conn) error {
		var failed error
		err := sqlitefile.Query(conn, sqlFaults, func(st *sqlite.Stmt) {
			st.BindInt64(1, -1)
			st.BindBytes(2, []byte{})
		}, func(st *sqlite.Stmt) bool {
			var doubted bool
			if doubted, failed = s.doubted(ctx, st); failed != nil {
				return false
			}
			place := record.Division(st.ColumnText(3))
			within := slices.ContainsFunc(round.GetPlan().GetDivisions(), func(d string) bool { return place.Within(record.Division(d)) })
			if within && (doubted || !standOf(st).State.Settled()) && columnID(st, 1) != id && !strings.Contains(st.ColumnText(2), id.String()) {
				open = append(open, columnID(st, 0))
			}
			return len(open) < maxCarried
		})
		return errors.Join(err, failed)
	})
	var saves []syncengine.OfficeSave
	for _, one := range open {
		if err != nil {
			return nil, err
		}
		var save syncengine.OfficeSave
		if save, err = s.carryOne(ctx, one, id); err == nil {
			saves = append(saves, save)
		}
	}
	return saves, err
}

func (s *Supervision) carryOne(ctx context.Context, id, round record.ID) (syncengine.OfficeSave, error) {
	f, err := read(ctx, s.cfg.Records, id, &carev1.Rectification{})
	if err != nil {
		return syncengine.OfficeSave{}, err
	}
	key, err := s.entryKey()
	if err != nil {
		return syncengine.OfficeSave{}, err
	}
	edited := proto.CloneOf(f.m)
	if edited.Carried == nil {
		edited.Carried = map[string]*carev1.RectificationCarry{}
	}
	edited.Carried[key] = &carev1.RectificationCarry{RoundId: round[:], CarriedOn: int32(s.today())}
	save, changed, err := f.save(edited, "", record.ID{})
	if err == nil && !changed {
		err = errors.New("a carry that changes nothing")
	}
	return save, err
}
