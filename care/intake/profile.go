// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"embed"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

//go:embed profiles/*.txtpb
var builtIn embed.FS

// maxProfile is how long a profile may be, in bytes.
const maxProfile = 1 << 20

// ProfileFault is what is wrong with a profile, and where.
type ProfileFault struct {
	Line int // 0: not known
	What string
}

// Error says both.
func (f *ProfileFault) Error() string {
	if f.Line == 0 {
		return f.What
	}
	return fmt.Sprintf("line %d: %s", f.Line, f.What)
}

// Profiles returns the names of the built-in profiles, sorted.
func Profiles() []string {
	entries, err := builtIn.ReadDir("profiles")
	if err != nil {
		return nil // they are part of the program
	}
	var out []string
	for _, e := range entries {
		out = append(out, strings.TrimSuffix(e.Name(), ".txtpb"))
	}
	return out
}

// BuiltIn returns the text of a built-in profile, and whether there is one of that name.
func BuiltIn(name string) ([]byte, bool) {
	text, err := builtIn.ReadFile(path.Join("profiles", path.Base(name)+".txtpb"))
	return text, err == nil
}

var position = regexp.MustCompile(`\(line (\d+):\d+\):? ?`)

// ParseProfile reads a profile, as prototext or, where it begins with a brace, JSON, and holds
// it against the forms. Its errors are *ProfileFault, joined.
func ParseProfile(text []byte) (*carev1.ImportProfile, error) {
	p := &carev1.ImportProfile{}
	if len(text) > maxProfile {
		return nil, &ProfileFault{What: "a profile has at most a MiB"}
	}
	var err error
	if strings.HasPrefix(strings.TrimSpace(string(text)), "{") {
		err = protojson.UnmarshalOptions{RecursionLimit: 16}.Unmarshal(text, p)
	} else if nested(text) > 8 {
		return nil, &ProfileFault{What: "nested too deep"}
	} else {
		err = prototext.Unmarshal(text, p)
	}
	if err != nil {
		return nil, faultOf(err)
	}
	return p, checkProfile(p, text)
}

// nested is an upper bound of how deep braces go.
func nested(text []byte) int {
	depth, most := 0, 0
	for _, c := range text {
		switch c {
		case '{', '<', '[':
			depth++
			most = max(most, depth)
		case '}', '>', ']':
			depth--
		}
	}
	return most
}

func faultOf(err error) error {
	text := strings.ReplaceAll(err.Error(), "\u00a0", " ")
	f := &ProfileFault{What: strings.TrimSpace(position.ReplaceAllString(text, ""))}
	if at := position.FindStringSubmatch(text); at != nil {
		f.Line, _ = strconv.Atoi(at[1])
	}
	return f
}

var profileName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)

func checkProfile(p *carev1.ImportProfile, text []byte) error {
	c := profileCheck{text: string(text)}
	if !profileName.MatchString(p.GetName()) {
		c.fault(p.GetName(), "name: small letters, digits and hyphens, at most 63")
	}
	kinds := KindsOf(p.GetContent(), p.GetRecordKind())
	if len(kinds) == 0 {
		c.fault(p.GetRecordKind(), "record_kind: no kind %q", p.GetRecordKind())
	}
	for _, column := range p.GetColumns() {
		c.field(kinds, column.GetField())
		if len(column.GetHeads()) == 0 {
			c.fault(column.GetField(), "%s: no heads", column.GetField())
		}
	}
	for _, codes := range p.GetCodes() {
		for _, one := range codes.GetCodes() {
			c.code(kinds, codes.GetField(), one.GetMeans())
		}
	}
	for _, d := range p.GetDivisions() {
		if code, err := care.ParseDivision(d.GetCode()); err != nil || len(code) < 9 {
			c.fault(d.GetCode(), "division %s: a code has 9 or 12 digits", d.GetName())
		}
	}
	return errors.Join(c.faults...)
}

// profileCheck gathers faults. The line of one is where the text says what is wrong first.
type profileCheck struct {
	text   string
	faults []error
}

func (c *profileCheck) fault(at, format string, args ...any) {
	f := &ProfileFault{What: fmt.Sprintf(format, args...)}
	if i := strings.Index(c.text, strconv.Quote(at)); i >= 0 && at != "" {
		f.Line = strings.Count(c.text[:i], "\n") + 1
	}
	c.faults = append(c.faults, f)
}

func (c *profileCheck) field(kinds []record.Kind, path string) (Field, bool) {
	for _, k := range kinds {
		if f, err := parseField(k, path); err == nil {
			return f, true
		}
	}
	c.fault(path, "%s: no field that a column can fill", path)
	return Field{}, false
}

func (c *profileCheck) code(kinds []record.Kind, path, means string) {
	f, ok := c.field(kinds, path)
	if !ok || means == "" {
		return
	}
	if _, ok := f.meaning(means); !ok {
		c.fault(means, "%s: no code %q", path, means)
	}
}

// meaning returns the number that a profile's word for a code means.
func (f Field) meaning(word string) (protoreflect.EnumNumber, bool) {
	w := same(word)
	if f.leaf != nil && f.leaf.Kind() == protoreflect.BoolKind {
		if yesWords[w] {
			return 1, true
		}
		return 0, noWords[w]
	}
	if f.codes == nil {
		return 0, false
	}
	if n, ok := f.codes.by[w]; ok {
		return n, true
	}
	n, ok := f.codes.bare[strings.TrimLeft(w, "0")]
	return n, ok
}

// KindsOf returns the kinds of records that a content may be; for records of an older system the
// one that is named, or all that are about residents. It is empty for a kind that there is not.
func KindsOf(content carev1.ImportSubject, kindName string) []record.Kind {
	named := func(names ...string) (out []record.Kind) {
		for _, name := range names {
			if k, ok := care.KindNamed(name); ok {
				out = append(out, k)
			}
		}
		return out
	}
	switch content {
	case carev1.ImportSubject_IMPORT_SUBJECT_ROSTER:
		return named("resident")
	case carev1.ImportSubject_IMPORT_SUBJECT_ORGANISATIONS:
		return named("organisation", "staff", "team")
	case carev1.ImportSubject_IMPORT_SUBJECT_DEATHS:
		return named("vital_event")
	case carev1.ImportSubject_IMPORT_SUBJECT_STATISTICS:
		return named("statistic")
	}
	if kindName != "" {
		return named(kindName)
	}
	return named("hypertension_follow_up", "diabetes_follow_up", "copd_follow_up", "checkup", "home_visit", "self_care_assessment", "tcm_constitution",
		"mental_illness_follow_up", "tuberculosis_follow_up", "disease_screening", "contract", "child_visit", "newborn_visit", "antenatal_visit",
		"postpartum_visit", "resident", "vital_event", "organisation", "staff", "team", "statistic")
}
