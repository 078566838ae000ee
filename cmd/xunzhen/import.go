// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	syncv1 "github.com/xunzhen/xunzhen/api/xunzhen/sync/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/intake"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// importCommands take files of other systems and offices.
type importCommands struct {
	Roster        importRoster        `cmd:"" help:"help_import_roster"`
	Organisations importOrganisations `cmd:"" help:"help_import_organisations"`
	Deaths        importDeaths        `cmd:"" help:"help_import_deaths"`
	Statistics    importStatistics    `cmd:"" help:"help_import_statistics"`
	Records       importRecords       `cmd:"" help:"help_import_records"`
	List          importList          `cmd:"" help:"help_import_list"`
	Profiles      importProfiles      `cmd:"" help:"help_import_profiles"`
}

// importFlags are what all imports take.
type importFlags struct {
	officeFlags
	File       string   `arg:"" help:"help_import_file" placeholder:"FILE"`
	Save       bool     `help:"help_import_save"`
	Author     string   `help:"help_release_author" placeholder:"ID"`
	Sheet      string   `help:"help_import_sheet" placeholder:"NAME"`
	Profile    string   `help:"help_import_profile" placeholder:"NAME|FILE"`
	Source     string   `help:"help_import_source" placeholder:"NAME"`
	Map        []string `help:"help_import_map" sep:"none" placeholder:"COLUMN=FIELD"`
	Division   string   `help:"help_import_division" placeholder:"CODE"`
	PrintMap   bool     `help:"help_import_print_map"`
	Report     string   `help:"help_import_report" placeholder:"FILE.csv"`
	Aside      string   `help:"help_import_aside" placeholder:"FILE.csv"`
	PreferFile bool     `help:"help_import_prefer_file" xor:"prefer"`
	KeepCentre bool     `help:"help_import_keep_centre" xor:"prefer"`
	Offline    bool     `help:"help_import_offline"`
	Json       bool     `help:"help_json"`
}

type importRoster struct{ importFlags }

// Run imports residents.
func (f importRoster) Run(c *call) error {
	return f.run(c, carev1.ImportSubject_IMPORT_SUBJECT_ROSTER, "", 0)
}

type importOrganisations struct{ importFlags }

// Run imports organisations, staff or teams.
func (f importOrganisations) Run(c *call) error {
	return f.run(c, carev1.ImportSubject_IMPORT_SUBJECT_ORGANISATIONS, "", 0)
}

type importDeaths struct{ importFlags }

// Run imports deaths.
func (f importDeaths) Run(c *call) error {
	return f.run(c, carev1.ImportSubject_IMPORT_SUBJECT_DEATHS, "", 0)
}

type importStatistics struct {
	importFlags
	Year int `help:"help_import_year" placeholder:"YEAR"`
}

// Run imports figures.
func (f importStatistics) Run(c *call) error {
	return f.run(c, carev1.ImportSubject_IMPORT_SUBJECT_STATISTICS, "", f.Year)
}

type importRecords struct {
	importFlags
	Kind string `help:"help_import_kind" placeholder:"KIND"`
}

// Run imports records of an older system.
func (f importRecords) Run(c *call) error {
	return f.run(c, carev1.ImportSubject_IMPORT_SUBJECT_RECORDS, f.Kind, 0)
}

func (f importFlags) run(c *call, content carev1.ImportSubject, kind string, year int) error {
	if f.Save && f.Author == "" {
		return problemf("problem_import_author")
	}
	profile, err := f.profile(c)
	if err != nil {
		return err
	}
	o, err := f.options(c, content, kind, year, profile)
	if err != nil {
		return err
	}
	file, err := openImport(f.File, f.sheetName(profile))
	if err != nil {
		return c.importProblem(err)
	}
	defer file.Close() //nolint:errcheck // read only
	plan, err := file.find(c, o)
	if err != nil {
		return c.importProblem(err)
	}
	file.total = file.book.About(file.sheet)
	job := &importJob{c: c, flags: f, file: file, plan: plan, began: c.Clock()}
	if f.PrintMap {
		return job.printMap()
	}
	return c.importProblem(job.run())
}

func (f importFlags) sheetName(p *carev1.ImportProfile) string {
	if f.Sheet != "" {
		return f.Sheet
	}
	return p.GetSheet()
}

// profile reads the profile that is asked for: a built-in one by its name, else a file.
func (f importFlags) profile(c *call) (*carev1.ImportProfile, error) {
	if f.Profile == "" {
		return nil, nil
	}
	text, ok := intake.BuiltIn(f.Profile)
	if !ok {
		var err error
		if text, err = os.ReadFile(f.Profile); errors.Is(err, os.ErrNotExist) {
			return nil, problemf("problem_import_profile", f.Profile, strings.Join(intake.Profiles(), ", "))
		} else if err != nil {
			return nil, err
		}
	}
	p, err := intake.ParseProfile(text)
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintln(c.Stderr, terminal.Tame(f.Profile+": "+strings.TrimSpace(line)))
		}
		return nil, problemf("problem_import_profile_faults", f.Profile)
	}
	return p, nil
}

func (f importFlags) options(c *call, content carev1.ImportSubject, kind string, year int, p *carev1.ImportProfile) (intake.Options, error) {
	o := intake.Options{Content: content, Profile: p, Map: map[string]string{}, Year: year, Today: care.DateOf(c.Clock()), Source: f.source(p)}
	if kind == "" {
		kind = p.GetRecordKind()
	}
	if content == carev1.ImportSubject_IMPORT_SUBJECT_RECORDS {
		if kind == "" {
			return o, problemf("problem_import_kind")
		}
		if o.Kinds = intake.KindsOf(content, kind); len(o.Kinds) == 0 || !care.AboutResident(o.Kinds[0]) {
			return o, problemf("problem_import_no_kind", kind)
		}
	} else {
		o.Kinds = intake.KindsOf(content, "")
	}
	for _, one := range f.Map {
		at := strings.LastIndex(one, "=")
		if at <= 0 {
			return o, problemf("problem_import_map", one, "")
		}
		o.Map[one[:at]] = strings.TrimSpace(one[at+1:])
	}
	if f.Division != "" {
		d, err := care.ParseDivision(f.Division)
		if err != nil {
			return o, &problem{key: "problem_division", args: []any{f.Division}, cause: err}
		}
		o.Division = d
	}
	return o, nil
}

// source names where the file is from: files of one source correct each other.
func (f importFlags) source(p *carev1.ImportProfile) string {
	if f.Source != "" {
		return f.Source
	}
	if name := intake.SourceName(p); name != "" {
		return name
	}
	return "file"
}

func (f importFlags) preference() officev1.ImportPreference {
	switch {
	case f.PreferFile:
		return officev1.ImportPreference_IMPORT_PREFERENCE_FILE
	case f.KeepCentre:
		return officev1.ImportPreference_IMPORT_PREFERENCE_CENTRE
	}
	return officev1.ImportPreference_IMPORT_PREFERENCE_UNSPECIFIED
}

// importList lists what was imported.
type importList struct {
	officeFlags
	Json bool `help:"help_json"`
}

// listedImport is one run for programs.
type listedImport struct {
	ID      string `json:"id"`
	File    string `json:"file"`
	Content string `json:"content"`
	Source  string `json:"source"`
	Began   string `json:"began"`
	Done    bool   `json:"done"`
	Author  string `json:"author"`
	Rows    int64  `json:"rows"`
	Created int64  `json:"created"`
	Updated int64  `json:"updated"`
	Same    int64  `json:"same"`
	Aside   int64  `json:"aside"`
	Refused int64  `json:"refused"`
}

// Run prints the runs, the latest last.
func (f importList) Run(c *call) error {
	all := []listedImport{}
	kind, _ := care.KindNamed("import_batch")
	err := f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		return o.Records(c.ctx, kind, func(r *syncv1.Record) error {
			runs, err := importRunsOf(c, kind, r)
			all = append(all, runs...)
			return err
		})
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b listedImport) int { return strings.Compare(a.Began, b.Began) })
	if f.Json {
		return c.json(all)
	}
	if len(all) == 0 {
		c.line("import_none")
		return nil
	}
	t := terminal.Table{Columns: c.tableColumns(), Head: strings.Split(c.say("import_list_head"), "|"), Right: []bool{false, false, false, true, true, true, true, true, true}}
	for _, one := range all {
		state := ""
		if !one.Done {
			state = " " + c.say("import_broken_off")
		}
		t.Add(one.Began, one.File+state, one.Author, one.Rows, one.Created, one.Updated, one.Same, one.Aside, one.Refused)
	}
	return t.Write(c.Stdout)
}

func importRunsOf(c *call, kind record.Kind, r *syncv1.Record) ([]listedImport, error) {
	registers, err := office.Registers(r)
	if err != nil {
		return nil, err
	}
	m, err := care.Message(kind, registers)
	if err != nil {
		return nil, err
	}
	id, err := idFromWire(r.GetId())
	if err != nil {
		return nil, err
	}
	b := m.(*carev1.ImportBatch)
	var out []listedImport
	for _, run := range b.GetRuns() {
		out = append(out, listedImport{
			ID: id.String(), File: b.GetFileName(), Content: formReader{c.words.Language()}.code(b.GetContent().Descriptor(), b.GetContent().Number()),
			Source: b.GetSourceName(), Began: time.UnixMilli(run.GetStartedAtMs()).Format(time.DateTime), Done: run.GetFinishedAtMs() != 0,
			Author: run.GetAuthorId(), Rows: run.GetRowsCount(), Created: run.GetCreatedCount(), Updated: run.GetUpdatedCount(),
			Same: run.GetSameCount(), Aside: run.GetAsideCount(), Refused: run.GetRefusedCount(),
		})
	}
	return out, nil
}

// importProfiles lists the profiles of the program, or prints one to begin with.
type importProfiles struct {
	Name string `arg:"" optional:"" help:"help_import_profiles_name" placeholder:"NAME"`
}

// Run prints them.
func (f importProfiles) Run(c *call) error {
	if f.Name != "" {
		text, ok := intake.BuiltIn(f.Name)
		if !ok {
			return problemf("problem_import_profile", f.Name, strings.Join(intake.Profiles(), ", "))
		}
		_, err := c.Stdout.Write(text)
		return err
	}
	t := terminal.Table{}
	for _, name := range intake.Profiles() {
		text, _ := intake.BuiltIn(name)
		p, err := intake.ParseProfile(text)
		if err != nil {
			return err
		}
		label := p.GetEn()
		if c.words.Language() == "zh" {
			label = p.GetZh()
		}
		t.Add(name, label)
	}
	return t.Write(c.Stdout)
}

// baseName is the name of the file as its account has it.
func baseName(path string) string {
	r := []rune(filepath.Base(path))
	return string(r[:min(len(r), 200)])
}
