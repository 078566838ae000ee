// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// maxResultsFile bounds a file of results, in bytes.
const maxResultsFile = 8 << 20

// errAnswer says that a text is no answer to its question.
var errAnswer = errors.New("no answer to this question")

// answer puts the answer to a question into a form: yes, no, forgotten, n/a (是 否 记不清 不适用); a
// number; a day; a blood pressure as 138/84; a glucose as 7.8; items of a checkup with commas.
func answer(f *carev1.Verification, question, text string) error {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	part, name, ok := strings.Cut(question, ".")
	var m protoreflect.Message
	switch {
	case ok && part == "truth":
		if f.Truth == nil {
			f.Truth = &carev1.VerificationTruth{}
		}
		m = f.Truth.ProtoReflect()
	case ok && part == "standard":
		if f.Standard == nil {
			f.Standard = &carev1.VerificationStandard{}
		}
		m = f.Standard.ProtoReflect()
	default:
		return errAnswer
	}
	field := m.Descriptor().Fields().ByName(protoreflect.Name(name))
	if field == nil {
		return errAnswer
	}
	return setAnswer(m, field, text)
}

func setAnswer(m protoreflect.Message, field protoreflect.FieldDescriptor, text string) error {
	switch {
	case field.IsList():
		for _, one := range strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(",，、 ;；", r) }) {
			n, ok := codeNamed(field.Enum(), one)
			if !ok {
				return errAnswer
			}
			m.Mutable(field).List().Append(protoreflect.ValueOfEnum(n))
		}
	case field.Enum() != nil:
		n, ok := codeNamed(field.Enum(), text)
		if !ok {
			return errAnswer
		}
		m.Set(field, protoreflect.ValueOfEnum(n))
	case field.Message() != nil:
		return measured(m.Mutable(field).Message().Interface(), text)
	default:
		n, err := strconv.ParseInt(text, 10, 32)
		if d, bad := care.ParseDate(text); err != nil && bad == nil {
			n, err = int64(d), nil
		}
		if err != nil {
			return errAnswer
		}
		m.Set(field, protoreflect.ValueOfInt32(int32(n)))
	}
	return nil
}

// codeNamed finds a code by its number, its word, or what a form calls it.
func codeNamed(list protoreflect.EnumDescriptor, text string) (protoreflect.EnumNumber, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	short := map[string]string{"y": "yes", "n": "no", "forgotten": "not_remembered", "n/a": "not_applicable", "ecg": "electrocardiogram", "bp": "blood_pressure"}
	if long, ok := short[text]; ok {
		text = long
	}
	for i := range list.Values().Len() {
		v := list.Values().Get(i)
		if v.Number() == 0 {
			continue
		}
		zh, en := codeTexts(v)
		word := strings.ToLower(strings.TrimPrefix(string(v.Name()), enumPrefix(list)))
		if text == word || text == zh || text == strings.ToLower(en) || text == strconv.Itoa(int(v.Number())) {
			return v.Number(), true
		}
	}
	return 0, false
}

// enumPrefix is what the names of all values of a list begin with.
func enumPrefix(list protoreflect.EnumDescriptor) string {
	return strings.TrimSuffix(string(list.Values().ByNumber(0).Name()), "UNSPECIFIED")
}

// measured reads a blood pressure or a glucose.
func measured(into any, text string) error {
	switch m := into.(type) {
	case *carev1.BloodPressure:
		systolic, diastolic, ok := strings.Cut(text, "/")
		s, err := strconv.ParseInt(strings.TrimSpace(systolic), 10, 32)
		d, bad := strconv.ParseInt(strings.TrimSpace(diastolic), 10, 32)
		if !ok || err != nil || bad != nil {
			return errAnswer
		}
		one, two := int32(s), int32(d)
		m.SystolicMmhg, m.DiastolicMmhg, m.SelfReported = &one, &two, true
		return nil
	case *carev1.BloodGlucose:
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || v < 0 || v > 100 {
			return errAnswer
		}
		n := int32(v*10 + 0.5)
		m.GlucoseMmolPerLX10 = &n
		return nil
	}
	return errAnswer
}

// column puts a cell of a table into a form; false for a column that is no part of a result.
func column(f *carev1.Verification, head, text string) (bool, error) {
	if strings.Contains(head, ".") && !strings.HasPrefix(head, "says:") {
		return true, answer(f, head, text)
	}
	if text = strings.TrimSpace(text); text == "" {
		return false, nil
	}
	switch head {
	case "mode", "call_result", "contact", "respondent", "truth_verdict", "standard_verdict":
		field := f.ProtoReflect().Descriptor().Fields().ByName(protoreflect.Name(head))
		return true, setAnswer(f.ProtoReflect(), field, text)
	case "untrue_reason":
		f.UntrueReason = text
	case "remark":
		f.Remark = text
	case "service_date":
		d, err := care.ParseDate(text)
		if err != nil {
			return true, errAnswer
		}
		f.ServiceDate = int32(d)
	default:
		return false, nil
	}
	return true, nil
}

// readResults reads results from CSV with a head, or from JSON: a list of {"id", "form"}. Lines of
// a table without any answer are left out.
func readResults(raw []byte) ([]*officev1.CheckResult, error) {
	text := strings.TrimPrefix(string(raw), "\ufeff")
	if strings.HasPrefix(strings.TrimSpace(text), "[") {
		return resultsOfJSON(text)
	}
	r := csv.NewReader(strings.NewReader(text))
	head, err := r.Read()
	if err != nil {
		return nil, problemf("problem_results_file", 1, "id")
	}
	var out []*officev1.CheckResult
	for line := 2; ; line++ {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, &problem{key: "problem_results_line", args: []any{line}, cause: err}
		}
		one, filled, err := resultOfRow(head, row, line)
		if err != nil {
			return nil, err
		}
		if filled {
			out = append(out, one)
		}
	}
}

func resultOfRow(head, row []string, line int) (*officev1.CheckResult, bool, error) {
	one, filled := &officev1.CheckResult{Form: &carev1.Verification{}}, false
	for i, name := range head {
		if name = strings.TrimSpace(name); name == "id" {
			id, err := record.ParseID(strings.TrimSpace(row[i]))
			if err != nil {
				return nil, false, problemf("problem_results_file", line, "id")
			}
			one.VerificationId = id[:]
			continue
		}
		took, err := column(one.Form, name, row[i])
		if err != nil {
			return nil, false, problemf("problem_results_file", line, name)
		}
		filled = filled || took && strings.TrimSpace(row[i]) != ""
	}
	if filled && len(one.VerificationId) == 0 {
		return nil, false, problemf("problem_results_file", line, "id")
	}
	return one, filled, nil
}

func resultsOfJSON(text string) ([]*officev1.CheckResult, error) {
	var all []struct {
		ID   string          `json:"id"`
		Form json.RawMessage `json:"form"`
	}
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, &problem{key: "problem_results_json", cause: err}
	}
	var out []*officev1.CheckResult
	for i, one := range all {
		id, err := record.ParseID(one.ID)
		form := &carev1.Verification{}
		if err == nil {
			err = protojson.Unmarshal(one.Form, form)
		}
		if err != nil {
			return nil, &problem{key: "problem_results_json", cause: fmt.Errorf("result %d: %w", i+1, err)}
		}
		out = append(out, &officev1.CheckResult{VerificationId: id[:], Form: form})
	}
	return out, nil
}
