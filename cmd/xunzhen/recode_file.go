// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// codeChange is one line of a file of changes.
type codeChange struct {
	care.DivisionChange
	Evidence string
	Line     int
}

const (
	maxRecodeFile  = 1 << 20
	maxCodeChanges = 4000
	// longestEvidence is what the form takes, in characters.
	longestEvidence = 200
)

// Columns of the file, by their heads in either language.
var recodeColumns = []struct {
	heads [2]string
	must  bool
}{
	{[2]string{"old_code", "原代码"}, true},
	{[2]string{"new_code", "新代码"}, true},
	{[2]string{"change", "变更类型"}, true},
	{[2]string{"valid_from", "生效日期"}, true},
	{[2]string{"evidence", "依据"}, false},
}

func changeTypes() map[string]carev1.DivisionChangeType {
	const renamed, merged, split = carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_RENAMED,
		carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_MERGED, carev1.DivisionChangeType_DIVISION_CHANGE_TYPE_SPLIT
	return map[string]carev1.DivisionChangeType{
		"renamed": renamed, "代码变更": renamed, "更名": renamed, "merged": merged, "并入": merged, "split": split, "拆分": split,
	}
}

// readRecodeFile reads a CSV file of changes in UTF-8, with a head. Each line is checked, and
// held against those before it and against known; a problem names the line.
func readRecodeFile(r io.Reader, known care.Recoding) ([]codeChange, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxRecodeFile+1))
	if err != nil {
		return nil, err
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff"))
	if len(raw) > maxRecodeFile || !utf8.Valid(raw) {
		return nil, problemf("problem_recode_file")
	}
	file := csv.NewReader(bytes.NewReader(raw))
	file.FieldsPerRecord = -1
	head, err := file.Read()
	if err != nil {
		return nil, &problem{key: "problem_recode_head", cause: err}
	}
	at, err := recodeHead(head)
	if err != nil {
		return nil, err
	}
	var out []codeChange
	for {
		cells, err := file.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, &problem{key: "problem_recode_head", cause: err}
		}
		line, _ := file.FieldPos(0)
		one, what := recodeLine(cells, at)
		if what == "" && len(out) == maxCodeChanges {
			what = "recode_bad_many"
		}
		if with, bad := known.Conflict(one.DivisionChange); what == "" && bad {
			return nil, problemf("problem_recode_conflict", line, one.Old, one.New, with.Old, with.New)
		}
		if what != "" {
			return nil, &recodeProblem{line, what}
		}
		one.Line = line
		out, known = append(out, one), known.With(one.DivisionChange)
	}
}

// recodeProblem is a line that is no change; what is wrong stands in the catalogue.
type recodeProblem struct {
	line int
	what string
}

func (p *recodeProblem) Error() string { return p.what }

// recodeHead finds the columns; -1 for one that is not there.
func recodeHead(head []string) ([]int, error) {
	at := make([]int, len(recodeColumns))
	for i, column := range recodeColumns {
		at[i] = -1
		for j, cell := range head {
			if cell = strings.ToLower(strings.TrimSpace(cell)); cell == column.heads[0] || cell == column.heads[1] {
				at[i] = j
			}
		}
		if at[i] < 0 && column.must {
			return nil, problemf("problem_recode_head")
		}
	}
	return at, nil
}

// recodeLine reads a line; what is the key of what is wrong with it, "" for nothing.
func recodeLine(cells []string, at []int) (c codeChange, what string) {
	cell := func(i int) string {
		if at[i] < 0 || at[i] >= len(cells) {
			return ""
		}
		return strings.TrimSpace(cells[at[i]])
	}
	var bad [3]error
	c.Old, bad[0] = care.ParseDivision(cell(0))
	c.New, bad[1] = care.ParseDivision(cell(1))
	c.Type = changeTypes()[strings.ToLower(cell(2))]
	c.From, bad[2] = care.ParseDate(cell(3))
	c.Evidence = cell(4)
	switch {
	case bad[0] != nil || bad[1] != nil:
		return c, "recode_bad_code"
	case bad[2] != nil:
		return c, "recode_bad_date"
	case utf8.RuneCountInString(c.Evidence) > longestEvidence:
		return c, "recode_bad_evidence"
	}
	switch c.Check() {
	case "level":
		return c, "recode_bad_level"
	case "same":
		return c, "recode_bad_same"
	case "date":
		return c, "recode_bad_date"
	case "type":
		return c, "recode_bad_type"
	}
	return c, ""
}
