// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"cmp"
	"context"
	"slices"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/quota"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

const kindTask record.Kind = 44

// Task is what the office wants done in a division or by a doctor here.
type Task struct {
	ID        string
	Title     string
	Indicator string
	Division  string // 12 digits
	DoctorID  string // "" for the part of the division
	OwnerID   string
	StartsOn  string // yyyy-mm-dd
	DueOn     string
	DaysLeft  int // calendar days; negative: over
	Quota     int
	// Counted says that this tablet can count it: a checkup for each of a group. Others are
	// counted at the centre.
	Counted bool
	// Done are people of the group with a checkup in the season, as recorded here; Accepted those
	// whose checkup a township or the county has found right; Due those who have none.
	Done, Accepted, Due int
	Expected, PerDay    int // by the working days that have passed, and from now on
	Red                 bool
	State               string // issued, accepted, done or withdrawn
	due                 care.Date
}

// TaskList is a list of tasks, those due first at the beginning.
type TaskList struct{ all []*Task }

// Len returns how many there are.
func (l *TaskList) Len() int { return len(l.all) }

// At returns the one at i, from 0.
func (l *TaskList) At(i int) *Task { return l.all[i] }

// Tasks returns what the office wants done, as far as this tablet has it; withdrawn ones left
// out. A context that ends ends it. Reasons: locked, stopped.
func (t *Tablet) Tasks(ctx context.Context) (*TaskList, error) {
	ctx, done, err := t.beginCall(ctx)
	if err != nil {
		return nil, fail("tasks", err)
	}
	defer done()
	l, err := t.tasks(ctx)
	return l, fail("tasks", err)
}

func (t *Tablet) tasks(ctx context.Context) (*TaskList, error) {
	a, err := t.plan(ctx, nil)
	if err != nil {
		return nil, err
	}
	out := &TaskList{}
	err = t.eachScreen(ctx, replica.Query{Kind: kindTask}, func(s replica.Screen) (bool, error) {
		e, ok := entryOf(s)
		f, is := e.Form.(*carev1.Task)
		if !ok || !is || e.Voided || f.GetState() == carev1.TaskState_TASK_STATE_WITHDRAWN {
			return true, nil
		}
		one, err := t.task(ctx, a, s.Record, f)
		out.all = append(out.all, one)
		return err == nil, err
	})
	slices.SortFunc(out.all, func(a, b *Task) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.Division, b.Division), cmp.Compare(a.DoctorID, b.DoctorID), cmp.Compare(a.ID, b.ID))
	})
	return out, err
}

func (t *Tablet) task(ctx context.Context, a *agenda, id record.ID, f *carev1.Task) (*Task, error) {
	w := f.GetWindow()
	s := quota.Season{From: care.Date(w.GetStartsOn()), To: care.Date(w.GetDueOn()), DaysAWeek: int(w.GetDaysAWeek())}
	one := &Task{
		ID: id.String(), Title: f.GetTitle(), Indicator: f.GetIndicatorCode(), Division: f.GetDivisionCode(), DoctorID: f.GetDoctorId(), OwnerID: f.GetOwnerId(),
		StartsOn: s.From.String(), DueOn: s.To.String(), Quota: int(f.GetQuota().GetQuota()), due: s.To,
		State: strings.ToLower(strings.TrimPrefix(f.GetState().String(), "TASK_STATE_")),
	}
	if s.To.Whole() {
		one.DaysLeft = daysBetween(t.today(), s.To)
	}
	if !countedHere(f.GetIndicatorCode()) || !s.From.Whole() || !s.To.Whole() {
		return one, nil
	}
	one.Counted = true
	err := t.count(ctx, a, one, f, s)
	p := s.ProgressOf(int64(one.Quota), int64(one.Done), 0, t.today())
	one.Expected, one.PerDay, one.Red = int(p.Expected), int(p.PerDay), p.Red
	return one, err
}

// countedHere reports whether an indicator is that of a checkup for each of a group: T01, O00 of
// the county's list.
func countedHere(code string) bool { return code == "T01" || code == "O00" }

// count looks at the people of the task's group.
func (t *Tablet) count(ctx context.Context, a *agenda, one *Task, f *carev1.Task, s quota.Season) error {
	prefix := record.Division(f.GetDivisionCode())
	if d, err := care.ParseDivision(f.GetDivisionCode()); err == nil && f.GetDoctorId() == "" && !f.GetUnassigned() {
		prefix = d
	}
	for _, p := range a.persons {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !p.division.Within(prefix) {
			continue
		}
		k, err := t.person(ctx, p.ids[0])
		if err != nil {
			return err
		}
		if !of(k, f) || !belongs(a.book, k, f.GetPopulationGroup(), a.day) {
			continue
		}
		switch done, accepted := examined(k, s); {
		case accepted:
			one.Done++
			one.Accepted++
		case done:
			one.Done++
		default:
			one.Due++
		}
	}
	return nil
}

// of reports whether somebody is of the doctor whose part it is.
func of(k *known, f *carev1.Task) bool {
	if f.GetDoctorId() == "" && !f.GetUnassigned() {
		return true
	}
	for _, e := range k.Entries() {
		if r, ok := e.Form.(*carev1.Resident); ok {
			return r.GetDoctorId() == f.GetDoctorId()
		}
	}
	return false
}

func belongs(b *rulebook, k *known, population carev1.PopulationCode, day care.Date) bool {
	members, _ := b.Populations(k.Person, day) // a row that fails is found about records, too
	for _, m := range members {
		if m.Population == population {
			return true
		}
	}
	return false
}

// examined reports whether somebody has a checkup in the season, and one that was found right by
// a township or the county.
func examined(k *known, s quota.Season) (done, accepted bool) {
	for _, e := range k.Entries() {
		c, ok := e.Form.(*carev1.Checkup)
		if !ok || care.Date(c.GetServiceDate()) < s.From || care.Date(c.GetServiceDate()) > s.To {
			continue
		}
		at, _ := care.StandingOf(c)
		done = done || at.Stage != care.StageDraft
		accepted = accepted || at.Stage == care.StageChecked && at.Level >= care.ReviewTownship
	}
	return done, accepted
}
