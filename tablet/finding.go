// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"cmp"
	"slices"

	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// How grave a finding is.
const (
	SeverityError     = "error"     // wrong as it stands
	SeverityWarning   = "warning"   // to be looked at again
	SeveritySuspicion = "suspicion" // unlikely as a whole
	SeverityInfo      = "info"      // good to know
)

// Finding is what a rule says about a form.
type Finding struct {
	RuleID     string
	Severity   string // SeverityError, …
	ResidentID string // "" for what is about nobody yet
	RecordID   string // "" for a form that is not saved, and for what is about a person as a whole
	Kind       string // of the record
	MessageZH  string
	MessageEN  string
	Fields     *FieldList // the fields concerned
	// Fault says that the rule itself failed: nothing is wrong with the form.
	Fault bool
	// Missing says that a field is empty which is to be filled.
	Missing bool
	// MustConfirm says that a person should say that the form is meant so before it is saved.
	MustConfirm bool
	// Confirmable says that it is about odd numbers, which stand once a person has
	// confirmed them: see Check.Confirm.
	Confirmable bool
	// Centre says that the centre found it, with all the county's records before it.
	Centre bool
	// On is since when the centre says so, yyyy-mm-dd; "" for what was found here.
	On string
}

// Field is a field of a form.
type Field struct {
	Path    string
	LabelZH string
	LabelEN string
}

// findingOf returns a finding about a form, which may be nil.
func findingOf(f *carev1.Finding, form proto.Message) *Finding {
	out := &Finding{
		RuleID: f.GetRuleId(), Severity: severityName(f.GetSeverity()), ResidentID: idText(f.GetSubjectId()), RecordID: idText(f.GetRecordId()),
		MessageZH: f.GetMessageZh(), MessageEN: f.GetMessageEn(), Fields: &FieldList{}, Fault: f.GetFault(),
	}
	if len(f.GetRecordId()) == len(record.ID{}) && out.RecordID != "" {
		out.Kind = kindName(record.ID(f.GetRecordId()).Kind())
	}
	for _, path := range f.GetPaths() {
		one := &Field{Path: path}
		if form != nil {
			s, _ := spotAt(form.ProtoReflect(), path)
			one.LabelZH, one.LabelEN = s.zh, s.en
		}
		out.Fields.all = append(out.Fields.all, one)
	}
	return out
}

func severityName(s carev1.Severity) string {
	switch s {
	case carev1.Severity_SEVERITY_ERROR:
		return SeverityError
	case carev1.Severity_SEVERITY_SUSPICION:
		return SeveritySuspicion
	case carev1.Severity_SEVERITY_INFO:
		return SeverityInfo
	}
	return SeverityWarning
}

func idText(raw []byte) string {
	if len(raw) != len(record.ID{}) || record.ID(raw).IsZero() {
		return ""
	}
	return record.ID(raw).String()
}

// gravest orders findings: errors, warnings, suspicions, what is good to know, and last
// what is wrong with the rules.
func gravest(a, b *Finding) int { return cmp.Compare(a.weight(), b.weight()) }

func (f *Finding) weight() int {
	if f.Fault {
		return 9
	}
	return slices.Index([]string{SeverityError, SeverityWarning, SeveritySuspicion, SeverityInfo}, f.Severity)
}
