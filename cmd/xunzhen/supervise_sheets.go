// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"os"
	"strings"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/terminal"
)

// superviseSheets prints what to ask whom.
type superviseSheets struct {
	roundFlags
	Division string `help:"help_supervise_sheets_division" placeholder:"CODE"`
	Doctor   string `help:"help_supervise_doctor" placeholder:"ID"`
	Open     bool   `help:"help_supervise_open"`
	Whole    bool   `help:"help_supervise_whole"`
	Author   string `help:"help_supervise_caller" placeholder:"ID"`
	Purpose  string `help:"help_supervise_purpose" placeholder:"TEXT"`
	Limit    int    `help:"help_limit" default:"500" placeholder:"N"`
	Csv      string `help:"help_supervise_csv" placeholder:"FILE"`
	Json     bool   `help:"help_json"`
}

// sheetJSON is one sheet for programs; its ID goes into results.
type sheetJSON struct {
	ID           string         `json:"id"`
	Resident     string         `json:"resident"`
	Division     string         `json:"division"`
	Stratum      string         `json:"stratum"`
	Doctor       string         `json:"doctor"`
	Name         string         `json:"name"`
	Birth        string         `json:"birth_date"`
	Phone        string         `json:"phone"`
	ContactPhone string         `json:"contact_phone"`
	Address      string         `json:"address"`
	Contact      string         `json:"contact"`
	Questions    []questionJSON `json:"questions"`
}

type questionJSON struct {
	ID     string `json:"id"`
	ZH     string `json:"zh"`
	EN     string `json:"en"`
	SaysZH string `json:"says_zh"`
	SaysEN string `json:"says_en"`
	Record string `json:"record,omitempty"`
}

// Run prints a page for each, or a table as CSV, or JSON.
func (f superviseSheets) Run(c *call) error {
	if f.Whole && (f.Author == "" || strings.TrimSpace(f.Purpose) == "") {
		return problemf("problem_supervise_purpose")
	}
	return f.open(c, func(o *office.Office, county office.ServingCounty) error {
		sheets, more, err := o.CallSheets(c.ctx, &officev1.ListCallSheetsRequest{
			RoundId: f.id(county), Division: f.Division, DoctorId: f.Doctor, OpenOnly: f.Open, WholeNumbers: f.Whole, Author: f.Author, Purpose: f.Purpose,
		}, max(f.Limit, 1))
		if err != nil {
			return err
		}
		all := []sheetJSON{}
		for _, s := range sheets {
			all = append(all, sheetOf(s))
		}
		switch {
		case f.Json:
			return c.json(all)
		case f.Csv != "":
			err = f.csv(c, all)
		default:
			err = c.tellSheets(all)
		}
		if more {
			c.note("supervise_more", f.Limit)
		}
		return err
	})
}

func sheetOf(s *officev1.CallSheet) sheetJSON {
	out := sheetJSON{
		ID: idText(s.GetVerificationId()), Resident: idText(s.GetResidentId()), Division: s.GetDivision(), Stratum: s.GetStratum(),
		Doctor: s.GetForm().GetCheckedDoctorId(), Name: s.GetName(), Phone: s.GetPhone(), ContactPhone: s.GetContactPhone(), Address: s.GetAddress(),
		Contact:   strings.ToLower(strings.TrimPrefix(s.GetForm().GetContact().String(), "VERIFICATION_CONTACT_")),
		Questions: []questionJSON{},
	}
	if s.GetBirthDate() != 0 {
		out.Birth = care.Date(s.GetBirthDate()).String()
	}
	for _, q := range s.GetQuestions() {
		out.Questions = append(out.Questions, questionJSON{q.GetId(), q.GetZh(), q.GetEn(), q.GetSaysZh(), q.GetSaysEn(), idText(q.GetRecordId())})
	}
	return out
}

func (c *call) tellSheets(all []sheetJSON) error {
	if len(all) == 0 {
		c.line("supervise_no_sheets")
	}
	for i, s := range all {
		if i > 0 {
			c.Stdout.Write([]byte("\n")) //nolint:errcheck // the table says it
		}
		c.line("supervise_sheet", i+1, s.Name, s.Birth, s.Phone, s.ContactPhone)
		c.line("supervise_sheet_where", s.Address, s.Division, c.stratumName(s.Stratum), s.Doctor, s.ID)
		t := terminal.Table{Indent: 2, Columns: c.tableColumns(), Head: []string{c.say("supervise_head_question"), c.say("supervise_head_answer"), c.say("supervise_head_says")}}
		for _, q := range s.Questions {
			t.Add(c.either(q.ZH, q.EN), "________", c.either(q.SaysZH, q.SaysEN))
		}
		if err := t.Write(c.Stdout); err != nil {
			return err
		}
	}
	return nil
}

// sheetHead are the columns of the CSV: with them it can be handed to record when it is filled in.
func sheetHead() []string {
	return []string{"id", "name", "birth_date", "phone", "contact_phone", "address", "division", "stratum", "doctor", "mode", "call_result", "contact", "respondent"}
}

// csv writes a table with a column a question: what the record says stands in the column beside.
func (f superviseSheets) csv(c *call, all []sheetJSON) error {
	var ids []string
	seen := map[string]bool{}
	for _, s := range all {
		for _, q := range s.Questions {
			if !seen[q.ID] {
				seen[q.ID] = true
				ids = append(ids, q.ID)
			}
		}
	}
	head := sheetHead()
	for _, id := range ids {
		head = append(head, id, "says:"+id)
	}
	rows := [][]string{append(head, "truth_verdict", "standard_verdict", "untrue_reason", "remark")}
	for _, s := range all {
		row := []string{s.ID, s.Name, s.Birth, s.Phone, s.ContactPhone, s.Address, s.Division, s.Stratum, s.Doctor, "", "", "", ""}
		for _, id := range ids {
			says := ""
			for _, q := range s.Questions {
				if q.ID == id {
					says = c.either(q.SaysZH, q.SaysEN)
				}
			}
			row = append(row, "", says)
		}
		rows = append(rows, append(row, "", "", "", ""))
	}
	file, err := os.OpenFile(f.Csv, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return &problem{key: "problem_csv_out", args: []any{f.Csv}, cause: err}
	}
	w := csv.NewWriter(file)
	_, err = file.WriteString("\ufeff") // or spreadsheets take it for another encoding
	for _, row := range rows {
		for i := range row {
			row[i] = plainCell(row[i])
		}
		if err == nil {
			err = w.Write(row)
		}
	}
	w.Flush()
	if err == nil {
		err = w.Error()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		c.line("supervise_csv", len(all), f.Csv)
	}
	return err
}

// plainCell keeps a spreadsheet from taking a text for a formula.
func plainCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
