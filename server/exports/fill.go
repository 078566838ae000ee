// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"context"
	"maps"
	"regexp"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Kinds that are read, by the numbers of their protos.
const (
	kindDiabetesFollowUp record.Kind = 19
	kindCopdFollowUp     record.Kind = 21
	kindContract         record.Kind = 31
	kindOutreachEvent    record.Kind = 37
	kindSurvey           record.Kind = 38
	kindVitalEvent       record.Kind = 42
	kindVerification     record.Kind = 43
	kindTask             record.Kind = 44
	kindStatistic        record.Kind = 45
	kindOrganisation     record.Kind = 47
	kindTeam             record.Kind = 49
	kindRectification    record.Kind = 57
)

// fillers make the tables of each export.
func fillers() map[string]func(context.Context, *job) error {
	return map[string]func(context.Context, *job) error{
		"checkups": fillCheckups, "chronic": fillChronic, "contracts": fillContracts, "progress": fillProgress, "scores": fillScores,
		"findings": fillFindings, "calls": fillCalls, "monthly": fillMonthly, "satisfaction": fillSatisfaction, "events": fillEvents,
	}
}

// Names returns what can be exported, sorted.
func Names() []string { return slices.Sorted(maps.Keys(fillers())) }

// pack is the rule pack of the job.
func (j *job) pack() Pack { return j.question.Rules.(Pack) }

// threshold returns a whole number of the pack.
func (j *job) threshold(id string, otherwise int) int {
	for _, t := range j.pack().Content().GetThresholds() {
		if t.GetId() == id {
			return int(t.GetNumber())
		}
	}
	return otherwise
}

var readsKind = regexp.MustCompile(`\brecords\.([a-z_]+)`)

// populationKinds returns the kinds that the pack looks at to tell populations, vital events
// among them, residents not.
func (j *job) populationKinds() []record.Kind {
	named := map[string]record.Kind{}
	for kind := range care.Types() {
		named[care.NameOf(kind)] = kind
	}
	reads := map[record.Kind]bool{kindVitalEvent: true}
	for _, row := range j.pack().Content().GetPopulations() {
		for _, m := range readsKind.FindAllStringSubmatch(row.GetWhen(), -1) {
			if kind, ok := named[m[1]]; ok {
				reads[kind] = true
			}
		}
	}
	delete(reads, care.KindResident)
	return slices.Sorted(maps.Keys(reads))
}

// people calls each with every selected person.
func (j *job) people(ctx context.Context, sel selection, each func(*export.Person, person) error) error {
	sel.within = j.q.Division
	at, err := persons(ctx, j.cfg.Records, j.cfg.Cards, j.q.Scope, sel, j.dir, func(read int) { j.tell(read, 0) }, func(p person) error {
		if one := export.NewPerson(&j.question, p.rules, p.division); one != nil {
			return each(one, p)
		}
		return nil
	})
	j.basis.Position = at
	return err
}

// fillCheckups reads whoever may be one of the aged by the year of birth.
func fillCheckups(ctx context.Context, j *job) error {
	sheet := export.Checkups()
	rows, err := j.table(sheet.Table(j.q.View))
	if err != nil {
		return err
	}
	year := j.question.Until().Year() - j.threshold("aged_years", 65)
	sel := selection{
		picks: func(c card) bool { return c.born.Year() <= year },
		kinds: j.populationKinds(), served: []record.Kind{care.KindCheckup}, period: j.q.Period,
	}
	return j.people(ctx, sel, func(p *export.Person, _ person) error {
		if line, ok := export.CheckupOf(p); ok {
			return rows.add(p.Order(), sheet.Row(j.q.View, line))
		}
		return nil
	})
}

func followUpKinds() map[string]record.Kind {
	return map[string]record.Kind{"hypertension": care.KindHypertensionFollowUp, "diabetes": kindDiabetesFollowUp, "copd": kindCopdFollowUp}
}

func diseaseGroups() map[string]carev1.PopulationCode {
	return map[string]carev1.PopulationCode{
		"hypertension": carev1.PopulationCode_POPULATION_CODE_HYPERTENSION, "diabetes": carev1.PopulationCode_POPULATION_CODE_DIABETES,
		"copd": carev1.PopulationCode_POPULATION_CODE_COPD,
	}
}

func fillChronic(ctx context.Context, j *job) error {
	type table struct {
		register export.Register
		rows     *spool
	}
	var tables []table
	var groups []carev1.PopulationCode
	sel := selection{kinds: j.populationKinds(), served: []record.Kind{care.KindCheckup}, period: j.q.Period}
	for _, r := range export.Chronic() {
		name := r.Whole().Name
		if j.q.Disease != "" && j.q.Disease != name {
			continue
		}
		rows, err := j.table(r.Table(j.q.View))
		if err != nil {
			return err
		}
		tables = append(tables, table{r, rows})
		groups = append(groups, diseaseGroups()[name])
		sel.drivers = append(sel.drivers, followUpKinds()[name])
	}
	if len(tables) == 0 {
		return ErrUnknown
	}
	if j.q.Format == CSV && len(tables) > 1 {
		return ErrOneTable
	}
	followed := slices.Clone(sel.drivers)
	sel.picks = func(c card) bool { return c.tagged(groups) || c.served(followed, j.q.Period) }
	sel.served = append(sel.served, followed...)
	return j.people(ctx, sel, func(p *export.Person, _ person) error {
		for _, t := range tables {
			line, ok := t.register.Of(p)
			if !ok {
				continue
			}
			if err := t.rows.add(p.Order(), t.register.Row(j.q.View, line)); err != nil {
				return err
			}
		}
		return nil
	})
}

func fillContracts(ctx context.Context, j *job) error {
	sheet := export.Contracts()
	rows, err := j.table(sheet.Table(j.q.View))
	if err != nil {
		return err
	}
	until := j.question.Until()
	sel := selection{
		drivers: []record.Kind{kindContract}, kinds: j.populationKinds(),
		picks: func(c card) bool { return c.under(kindContract, until) },
	}
	return j.people(ctx, sel, func(p *export.Person, _ person) error {
		if line, ok := export.ContractOf(p, j.q.View); ok {
			return rows.add(p.Order(), sheet.Row(j.q.View, line))
		}
		return nil
	})
}

func (j *job) figures() FiguresQuery {
	divisions := j.q.Scope.Divisions
	if j.q.Division != "" {
		divisions = []record.Division{j.q.Division}
	}
	return FiguresQuery{Divisions: divisions, Level: j.q.Level, Period: j.q.Period, AsOf: j.question.Until(), Sensitive: j.q.View.Sensitive}
}

// shownAlways are the indicators whose progress is shown whether there is a task or not. [D]
func shownAlways() []indicators.Code {
	return []indicators.Code{"T01", "H01", "D01", "C01", "O02", "G02"}
}

type taskKey struct {
	code     indicators.Code
	division record.Division
}

// tasks returns the tasks of units of the period, by indicator and division: those of doctors are parts of them.
func (j *job) tasks(ctx context.Context) (map[taskKey]*carev1.Task, error) {
	all, err := j.all(ctx, kindTask)
	if err != nil {
		return nil, err
	}
	out := map[taskKey]*carev1.Task{}
	for _, f := range all {
		t, ok := f.form.(*carev1.Task)
		if !ok || t.GetDoctorId() != "" || t.GetUnassigned() || t.GetState() == carev1.TaskState_TASK_STATE_WITHDRAWN || t.GetQuota().Quota == nil ||
			care.Date(t.GetWindow().GetStartsOn()) > j.q.Period.To || care.Date(t.GetWindow().GetDueOn()) < j.q.Period.From {
			continue
		}
		d, err := care.ParseDivision(t.GetDivisionCode())
		if err != nil {
			continue
		}
		k := taskKey{indicators.Code(t.GetIndicatorCode()), d}
		if have := out[k]; have == nil || have.GetIssuedOn() < t.GetIssuedOn() {
			out[k] = t
		}
	}
	return out, nil
}

func fillProgress(ctx context.Context, j *job) error {
	if j.cfg.Figures == nil {
		return ErrNoFigures
	}
	sheet := export.Progress()
	rows, err := j.table(sheet.Table(j.q.View))
	if err != nil {
		return err
	}
	tasks, err := j.tasks(ctx)
	if err != nil {
		return err
	}
	codes := shownAlways()
	for k := range tasks {
		if _, known := indicators.Lookup(k.code); known && !slices.Contains(codes, k.code) {
			codes = append(codes, k.code)
		}
	}
	figures, behind, err := j.cfg.Figures.Figures(ctx, j.figures(), codes)
	j.basis.Complete.Behind = behind
	if err != nil {
		return err
	}
	lines := make([]export.ProgressLine, 0, len(figures))
	for _, f := range figures {
		lines = append(lines, j.progress(f, tasks[taskKey{f.Code, f.Division}]))
	}
	Rank(lines)
	for _, l := range lines {
		if err := rows.add(l.Indicator+"\x00"+l.Unit.Order(), sheet.Row(j.q.View, l)); err != nil {
			return err
		}
	}
	return nil
}

// progress puts a figure beside the unit's task, if it has one.
func (j *job) progress(f Figure, t *carev1.Task) export.ProgressLine {
	one, _ := indicators.Lookup(f.Code)
	l := export.ProgressLine{
		Unit: j.named(export.UnitName{Division: f.Division}), Indicator: string(f.Code) + " " + one.ZH, Base: f.Denominator, Done: f.Numerator, Elapsed: -1,
	}
	if t == nil {
		return l
	}
	l.Set, l.Task, l.Owner = true, int64(t.GetQuota().GetQuota()), j.question.Names.Staff(t.GetOwnerId())
	w := indicators.Period{From: care.Date(t.GetWindow().GetStartsOn()), To: care.Date(t.GetWindow().GetDueOn())}
	l.DueOn = w.To
	if w.Valid() {
		l.Elapsed = 0
		if at := min(j.question.AsOf, w.To); at >= w.From {
			l.Elapsed = int64(indicators.Period{From: w.From, To: at}.Days()) * 10000 / int64(w.Days())
		}
	}
	return l
}

func (j *job) named(u export.UnitName) export.UnitName {
	u.Name = j.question.Names.Unit(u.Division)
	if u.Doctor != "" {
		u.Doctor = j.question.Names.Staff(u.Doctor)
	}
	return u
}

func fillScores(ctx context.Context, j *job) error {
	if j.cfg.Figures == nil {
		return ErrNoFigures
	}
	sheet := export.Scores()
	rows, err := j.table(sheet.Table(j.q.View))
	if err != nil {
		return err
	}
	j.basis.Position = j.cfg.Records.Position()
	lines, behind, err := j.cfg.Figures.Scores(ctx, j.figures())
	j.basis.Complete.Behind = behind
	if err != nil {
		return err
	}
	for _, l := range lines {
		l.Unit = j.named(l.Unit)
		if err := rows.add(l.Unit.Order(), sheet.Row(j.q.View, l)); err != nil { // within a unit as they came
			return err
		}
	}
	return nil
}

// unit returns the unit of the job's level that a division lies in.
func (j *job) unit(divisions []record.Division) export.UnitName {
	var d record.Division
	if len(divisions) > 0 {
		d = divisions[0]
	}
	d = d[:min(len(d), int(j.q.Level))]
	return export.UnitName{Division: d, Name: j.question.Names.Unit(d)}
}

func fillCalls(ctx context.Context, j *job) error {
	sheet := export.Calls()
	rows, err := j.table(sheet.Table(j.q.View))
	if err != nil {
		return err
	}
	checks, err := j.all(ctx, kindVerification)
	if err != nil {
		return err
	}
	homes, err := j.homes(ctx, checks)
	if err != nil {
		return err
	}
	units := map[record.Division]*export.CallLine{}
	for _, f := range checks {
		v, ok := f.form.(*carev1.Verification)
		if !ok || !j.counted(v.GetServiceDate(), v.GetStatus()) {
			continue
		}
		u := j.unit(homes(f.row.Subject, f.row.Divisions))
		if units[u.Division] == nil {
			units[u.Division] = &export.CallLine{Unit: u}
		}
		units[u.Division].Add(v)
	}
	for _, l := range units {
		if err := rows.add(l.Unit.Order(), sheet.Row(j.q.View, *l)); err != nil {
			return err
		}
	}
	return nil
}

// homes returns where residents are kept: a check is kept where the one is who supervises, and
// counts where the one is who is checked.
func (j *job) homes(ctx context.Context, of map[record.ID]found) (func(record.ID, []record.Division) []record.Division, error) {
	var ids []record.ID
	for _, f := range of {
		if !f.row.Subject.IsZero() {
			ids = append(ids, f.row.Subject)
		}
	}
	at := map[record.ID][]record.Division{}
	for part := range slices.Chunk(ids, 200) {
		rows, err := j.cfg.Records.Rows(ctx, part)
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			at[row.ID] = row.Divisions
		}
	}
	return func(id record.ID, otherwise []record.Division) []record.Division {
		if d := at[id]; len(d) > 0 {
			return d
		}
		return otherwise
	}, nil
}

// counted reports whether a form of a day belongs to the period and is no draft.
func (j *job) counted(day int32, status carev1.FormStatus) bool {
	d := care.Date(day)
	return d.Whole() && j.q.Period.Has(d) && d <= j.question.AsOf && status != carev1.FormStatus_FORM_STATUS_DRAFT
}

func fillSatisfaction(ctx context.Context, j *job) error {
	sheet := export.Satisfaction()
	rows, err := j.table(sheet.Table(j.q.View))
	if err != nil {
		return err
	}
	forms, err := j.all(ctx, kindSurvey)
	if err != nil {
		return err
	}
	type key struct {
		division record.Division
		quarter  string
	}
	lines := map[key]*export.SurveyLine{}
	for _, f := range forms {
		s, ok := f.form.(*carev1.SatisfactionSurvey)
		if !ok || s.GetStatus() == carev1.FormStatus_FORM_STATUS_DRAFT {
			continue
		}
		quarter, in := export.QuarterOf(s, j.q.Period)
		if !in {
			continue
		}
		u := j.unit(f.row.Divisions)
		k := key{u.Division, quarter}
		if lines[k] == nil {
			lines[k] = &export.SurveyLine{Unit: u, Quarter: quarter}
		}
		lines[k].Add(s)
	}
	for _, l := range lines {
		if err := rows.add(l.Unit.Order()+"\x00"+l.Quarter, sheet.Row(j.q.View, *l)); err != nil {
			return err
		}
	}
	return nil
}

func fillEvents(ctx context.Context, j *job) error {
	sheet := export.Events()
	rows, err := j.table(sheet.Table(j.q.View))
	if err != nil {
		return err
	}
	events, err := j.all(ctx, kindOutreachEvent)
	if err != nil {
		return err
	}
	for id, f := range events {
		e, ok := f.form.(*carev1.OutreachEvent)
		if !ok || !j.counted(e.GetServiceDate(), e.GetStatus()) {
			continue
		}
		l := export.EventLine{Event: e, Names: j.question.Names, Unit: j.unit(f.row.Divisions), ID: id}
		if err := rows.add(l.Order(), sheet.Row(j.q.View, l)); err != nil {
			return err
		}
	}
	return nil
}

// Rank gives each line its place among those of its indicator and the level of its unit, the
// furthest first; equal rates have equal places.
func Rank(lines []export.ProgressLine) {
	type group struct {
		indicator string
		level     care.Level
		doctors   bool
	}
	of := func(l export.ProgressLine) group {
		return group{l.Indicator, care.LevelOf(l.Unit.Division), l.Unit.Doctor != ""}
	}
	for i := range lines {
		mine, ok := lines[i].RateOf()
		if !ok {
			continue
		}
		lines[i].Rank = 1
		for _, other := range lines {
			if r, ok := other.RateOf(); ok && of(other) == of(lines[i]) && r > mine {
				lines[i].Rank++
			}
		}
	}
}
