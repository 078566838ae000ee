// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/words"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// exportCommand makes a file with a table, or of a person.
type exportCommand struct {
	officeFlags
	What     string `arg:"" optional:"" help:"help_export_what"`
	ID       string `arg:"" optional:"" help:"help_export_id"`
	List     bool   `help:"help_export_list"`
	Out      string `short:"o" help:"help_export_out" placeholder:"FILE"`
	Period   string `help:"help_export_period" placeholder:"PERIOD"`
	Division string `help:"help_export_division" placeholder:"CODE"`
	Level    string `help:"help_export_level" enum:"county,township,village" default:"township" placeholder:"county|township|village"`
	Disease  string `help:"help_export_disease" enum:"hypertension,diabetes,copd," default:"" placeholder:"hypertension|diabetes|copd"`
	Encoding string `help:"help_export_encoding" enum:"utf-8,gb18030" default:"utf-8" placeholder:"utf-8|gb18030"`
	RowsOnly bool   `help:"help_export_rows_only"`
	Masked   bool   `help:"help_export_masked"`
	Author   string `help:"help_export_author" placeholder:"ID"`
	Purpose  string `help:"help_export_purpose" placeholder:"TEXT"`
	Force    bool   `help:"help_export_force"`
	Json     bool   `help:"help_json"`
}

const exportPerson = "person"

// Run makes the file beside where it is to be, and puts it there when it is whole.
func (f exportCommand) Run(c *call) error {
	if f.List {
		return f.list(c)
	}
	if err := f.check(); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(c.ctx, os.Interrupt)
	defer stop()
	return f.open(c, func(o *office.Office, _ office.ServingCounty) error {
		bar := c.screen().Begin(c.say("export_bar", f.What), 0)
		report, err := written(f.Out, f.Force, func(to io.Writer) (*officev1.ExportReport, error) { return f.fetch(ctx, o, to, bar) })
		if err != nil {
			bar.End("")
			return f.explain(ctx, err)
		}
		bar.End(c.say("export_bar_done", report.GetRows()))
		if f.Json {
			return c.json(exportDocument(f.Out, report))
		}
		f.tell(c, report)
		return nil
	})
}

func (f exportCommand) check() error {
	switch {
	case f.What == "":
		return problemf("problem_export_what", strings.Join(exportNames(), ", "))
	case f.Out == "":
		return problemf("problem_export_out")
	case f.Author == "" || strings.TrimSpace(f.Purpose) == "":
		return problemf("problem_export_purpose")
	case f.What == exportPerson && f.ID == "":
		return problemf("problem_export_person")
	case f.What == exportPerson && f.ending() != ".json":
		return problemf("problem_export_json", f.Out)
	case f.What == exportPerson:
		return nil
	case f.ID != "":
		return problemf("problem_export_id", f.ID)
	case f.ending() != ".xlsx" && f.ending() != ".csv":
		return problemf("problem_export_ending", f.Out)
	case f.ending() == ".xlsx" && (f.RowsOnly || f.Encoding != "utf-8"):
		return problemf("problem_export_csv_only")
	}
	return nil
}

func (f exportCommand) ending() string { return strings.ToLower(filepath.Ext(f.Out)) }

func exportNames() []string {
	return []string{"checkups", "chronic", "contracts", "progress", "scores", "findings", "calls", "monthly", "satisfaction", "events", exportPerson}
}

func (f exportCommand) fetch(ctx context.Context, o *office.Office, to io.Writer, bar *terminal.Bar) (*officev1.ExportReport, error) {
	if f.What == exportPerson {
		id, err := record.ParseID(f.ID)
		if err != nil {
			return nil, problemf("problem_findings_id", f.ID)
		}
		return o.ExportPerson(ctx, &officev1.ExportPersonRequest{Resident: id[:], Masked: f.Masked, Author: f.Author, Purpose: f.Purpose}, to)
	}
	return o.ExportTable(ctx, f.request(), to, func(done, total uint64) { bar.Set(int(done), int(total)) })
}

func (f exportCommand) request() *officev1.ExportTableRequest {
	q := &officev1.ExportTableRequest{
		Name: f.What, Period: f.Period, Division: f.Division, Disease: f.Disease, RowsOnly: f.RowsOnly, Masked: f.Masked, Author: f.Author, Purpose: f.Purpose,
		Format: officev1.ExportFormat_EXPORT_FORMAT_WORKBOOK,
	}
	q.Level = map[string]uint32{"county": uint32(care.LevelCounty), "township": uint32(care.LevelTownship), "village": uint32(care.LevelVillage)}[f.Level]
	if f.ending() == ".csv" {
		q.Format = officev1.ExportFormat_EXPORT_FORMAT_CSV
		if f.Encoding == "gb18030" {
			q.Format = officev1.ExportFormat_EXPORT_FORMAT_CSV_GB18030
		}
	}
	return q
}

// written makes the file at path: aside, whole on the disk, then renamed. On an error nothing is
// left, and what stood there before stays. One that is there already is replaced only with force.
func written(path string, force bool, write func(io.Writer) (*officev1.ExportReport, error)) (report *officev1.ExportReport, err error) {
	if _, err := os.Lstat(path); err == nil && !force {
		return nil, problemf("problem_export_there", path)
	}
	aside, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part") // for its owner alone
	if err != nil {
		return nil, &problem{key: "problem_export_write", args: []any{path}, cause: err}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(aside.Name()))
		}
	}()
	report, err = write(aside)
	if err == nil {
		err = aside.Sync()
	}
	if failed := aside.Close(); err == nil {
		err = failed
	}
	if err != nil {
		return nil, err
	}
	return report, os.Rename(aside.Name(), path)
}

// explain says what is wrong with the request, and what would be right.
func (f exportCommand) explain(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &problem{key: "problem_export_cancelled", args: []any{f.Out}}
	}
	var told *office.ExportError
	if errors.Is(err, office.ErrExportBroken) {
		return &problem{key: "problem_export_broken", args: []any{f.Out}, cause: err}
	}
	if !errors.As(err, &told) {
		return err
	}
	switch told.Problem {
	case officev1.ExportProblem_EXPORT_PROBLEM_NAME:
		return problemf("problem_export_what", strings.Join(exportNames(), ", "))
	case officev1.ExportProblem_EXPORT_PROBLEM_PERIOD:
		return problemf("problem_export_period", f.Period)
	case officev1.ExportProblem_EXPORT_PROBLEM_FUTURE:
		return problemf("problem_export_future", f.Period)
	case officev1.ExportProblem_EXPORT_PROBLEM_MONTHS:
		return problemf("problem_export_months", f.Period)
	case officev1.ExportProblem_EXPORT_PROBLEM_ONE_TABLE:
		return problemf("problem_export_one_table")
	case officev1.ExportProblem_EXPORT_PROBLEM_TOO_MANY:
		return problemf("problem_export_too_many")
	case officev1.ExportProblem_EXPORT_PROBLEM_DIVISION:
		return problemf("problem_export_division", f.Division)
	case officev1.ExportProblem_EXPORT_PROBLEM_NO_FIGURES:
		return problemf("problem_export_no_figures")
	case officev1.ExportProblem_EXPORT_PROBLEM_NO_FINDINGS:
		return problemf("problem_export_no_findings")
	case officev1.ExportProblem_EXPORT_PROBLEM_PURPOSE:
		return problemf("problem_export_purpose")
	}
	return err
}

func (f exportCommand) tell(c *call, r *officev1.ExportReport) {
	c.line("export_made", f.Out, r.GetRows(), kilobytes(r.GetSizeBytes()))
	c.line("export_basis", r.GetPosition(), care.Date(r.GetAsOf()).String(), r.GetHeard(), r.GetTablets(), r.GetOldestDays())
	if r.GetHeld() > 0 {
		c.line("export_held", r.GetHeld())
	}
	for _, p := range r.GetParts() {
		if len(p.GetRowsSha256()) > 0 && f.What != exportPerson {
			c.line("export_part", p.GetTable(), p.GetRows(), hex.EncodeToString(p.GetRowsSha256()))
		}
	}
	c.line("export_sha256", hex.EncodeToString(r.GetSha256()))
	if r.GetMasked() {
		c.line("export_masked")
	}
	if f.ending() == ".csv" {
		c.note("export_csv_note")
	}
}

// exportDoc is an export for programs.
type exportDoc struct {
	File       string       `json:"file"`
	SizeBytes  uint64       `json:"size_bytes"`
	Sha256     string       `json:"sha256"`
	Position   uint64       `json:"position"`
	AsOf       string       `json:"as_of"`
	Rows       uint64       `json:"rows"`
	Tables     []exportPart `json:"tables"`
	Tablets    uint32       `json:"tablets"`
	Heard      uint32       `json:"heard"`
	OldestDays uint32       `json:"oldest_days"`
	Held       uint32       `json:"held"`
	Masked     bool         `json:"masked"`
}

type exportPart struct {
	Table      string `json:"table"`
	Rows       uint64 `json:"rows"`
	RowsSha256 string `json:"rows_sha256"`
}

func exportDocument(file string, r *officev1.ExportReport) exportDoc {
	d := exportDoc{
		File: file, SizeBytes: r.GetSizeBytes(), Sha256: hex.EncodeToString(r.GetSha256()), Position: r.GetPosition(), AsOf: care.Date(r.GetAsOf()).String(),
		Rows: r.GetRows(), Tables: []exportPart{}, Tablets: r.GetTablets(), Heard: r.GetHeard(), OldestDays: r.GetOldestDays(), Held: r.GetHeld(), Masked: r.GetMasked(),
	}
	for _, p := range r.GetParts() {
		d.Tables = append(d.Tables, exportPart{p.GetTable(), p.GetRows(), hex.EncodeToString(p.GetRowsSha256())})
	}
	return d
}

// list prints every table with its columns.
func (f exportCommand) list(c *call) error {
	if f.Json {
		return c.json(export.Tables())
	}
	zh := c.words.Language() == words.Chinese
	t := terminal.Table{Columns: c.tableColumns(), Head: []string{c.say("head_export"), c.say("head_table"), c.say("head_columns")}}
	for _, one := range export.Tables() {
		title := one.EN
		if zh {
			title = one.ZH
		}
		t.Add(exportOf(one.Name), title, len(one.Columns))
	}
	t.Add(exportPerson, c.say("export_person_title"), "")
	return t.Write(c.Stdout)
}

// exportOf returns the export that a table is in.
func exportOf(table string) string {
	switch table {
	case "hypertension", "diabetes", "copd":
		return "chronic --disease " + table
	}
	return table
}
