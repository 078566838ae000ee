// SPDX-License-Identifier: Apache-2.0

package rulepack_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
)

var update = flag.Bool("update", false, "write proto/vectors/rules anew")

const vectors = "../../proto/vectors/rules"

// A vectorPack is the pack that the cases were made with.
type vectorPack struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	SHA256  string `json:"content_sha256"`
	Content []byte `json:"content_base64"`
}

// A vectorCase is a person, of whose records the last is looked at, and what the pack says.
type vectorCase struct {
	Name        string        `json:"name"`
	Subject     string        `json:"subject"`
	AsOf        int32         `json:"as_of"`
	Entries     []vectorEntry `json:"entries"`
	Findings    []string      `json:"findings"`            // without those of Q01
	AllFindings string        `json:"all_findings_sha256"` // of all lines, joined by line feeds
	Proposals   [][]any       `json:"proposals"`
	Due         [][]any       `json:"due"`
	Populations [][]any       `json:"populations"`
}

type vectorEntry struct {
	ID         string          `json:"id"`
	Kind       string          `json:"kind"`
	Message    string          `json:"message"`
	Voided     bool            `json:"voided,omitempty"`
	CapturedAt int64           `json:"captured_at_ms"`
	Form       json.RawMessage `json:"form"`
}

// vectorsOf returns what stands in proto/vectors/rules: the test rows of the pack,
// and every kind filled with ordinary things.
func vectorsOf(t *testing.T, pack *rules.Pack) []vectorCase {
	t.Helper()
	var out []vectorCase
	for _, row := range pack.Tests() {
		subject, entries, err := pack.Case(row)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, caseOf(t, pack, row.GetName(), rules.NewPerson(subject, entries), entries, care.Date(row.GetAsOf())))
	}
	kinds := care.Types()
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		form := kinds[kind].New()
		fill(form, today, 0)
		person := chronicPatient(pack)
		e := rules.Entry{ID: [16]byte{255}, Kind: kind, Form: form.Interface(), CapturedAt: time.UnixMilli(99)}
		all := []rules.Entry{person.Entries()[0], e}
		out = append(out, caseOf(t, pack, "a full "+pack.KindName(kind), rules.NewPerson(person.ID(), all), all, today))
	}
	return out
}

func caseOf(t *testing.T, pack *rules.Pack, name string, person *rules.Person, entries []rules.Entry, asOf care.Date) vectorCase {
	t.Helper()
	id, last := person.ID(), entries[len(entries)-1]
	c := vectorCase{Name: name, Subject: hex.EncodeToString(id[:]), AsOf: int32(asOf), Findings: []string{}, Proposals: [][]any{}, Due: [][]any{}, Populations: [][]any{}}
	for _, e := range entries {
		c.Entries = append(c.Entries, entryOf(t, pack, e))
	}
	offers, faults1 := pack.Proposals(person, last, asOf)
	due, faults2 := pack.Due(person, asOf)
	in, faults3 := pack.Populations(person, asOf)
	var lines []string
	for _, f := range slices.Concat(pack.Check(person, last, asOf), faults1, faults2, faults3) {
		lines = append(lines, lineOf(f))
		if f.GetRuleId() != "Q01" {
			c.Findings = append(c.Findings, lineOf(f))
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(lines, "\n")))
	c.AllFindings = hex.EncodeToString(sum[:])
	for _, o := range offers {
		c.Proposals = append(c.Proposals, []any{o.RuleID, o.Path, o.Value.String(), o.ReasonZH, o.ReasonEN})
	}
	for _, d := range due {
		c.Due = append(c.Due, []any{d.RuleID, pack.KindName(d.Kind), int(d.On), d.Overdue, d.ReasonZH, d.ReasonEN})
	}
	for _, m := range in {
		c.Populations = append(c.Populations, []any{m.RuleID, int(m.Population)})
	}
	return c
}

func entryOf(t *testing.T, pack *rules.Pack, e rules.Entry) vectorEntry {
	t.Helper()
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(e.Form)
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, text); err != nil { // protojson varies its blanks on purpose
		t.Fatal(err)
	}
	return vectorEntry{
		ID: hex.EncodeToString(e.ID[:]), Kind: pack.KindName(e.Kind), Message: string(e.Form.ProtoReflect().Descriptor().FullName()),
		Voided: e.Voided, CapturedAt: e.CapturedAt.UnixMilli(), Form: compact.Bytes(),
	}
}

func lineOf(f *carev1.Finding) string {
	fault := ""
	if f.GetFault() {
		fault = "fault"
	}
	return fmt.Sprintf("%s|%d|%x|%s|%s|%s|%s", f.GetRuleId(), f.GetSeverity(), f.GetRecordId(), strings.Join(f.GetPaths(), ","), f.GetMessageZh(), f.GetMessageEn(), fault)
}

// asJSON writes a list with an entry a line, so that a change of one row is a change of one line.
func asJSON(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	cases, isList := v.([]vectorCase)
	if !isList {
		enc.SetIndent("", "  ")
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	for i, c := range cases {
		b.WriteString(map[bool]string{true: "[", false: ","}[i == 0])
		if err := enc.Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	b.WriteString("]\n")
	return b.Bytes()
}

func TestVectorsAreWhatThePackSays(t *testing.T) {
	pack, err := rulepack.Load()
	if err != nil {
		t.Fatal(err)
	}
	hash := pack.Hash()
	for name, v := range map[string]any{
		"pack.json":  vectorPack{pack.Name(), pack.Version(), hex.EncodeToString(hash[:]), pack.Bytes()},
		"cases.json": vectorsOf(t, pack),
	} {
		path, want := filepath.Join(vectors, name), asJSON(t, v)
		if *update {
			if err := os.MkdirAll(vectors, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what the pack says (%v): go test ./care/rulepack -run Vectors -update", path, err)
		}
	}
}

// The same vectors in TypeScript: built with the pinned compiler, run by Node.
func TestVectorsAreTheSameInTypeScript(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		lacking(t, "Node is not installed: the rules in TypeScript are not tried")
	}
	tsc := filepath.Join(root, "node_modules/typescript/bin/tsc")
	if _, err := os.Stat(tsc); err != nil {
		install := exec.Command("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
		install.Dir = root
		if out, err := install.CombinedOutput(); err != nil {
			lacking(t, fmt.Sprintf("npm ci: %v\n%s", err, out))
		}
	}
	schema := filepath.Join(t.TempDir(), "schema.binpb")
	if err := os.WriteFile(schema, schemaOf(t), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{tsc, "-p", filepath.Join(root, "web/rules")}, {filepath.Join(root, "web/rules/dist/test/vectors.js"), schema, filepath.Join(root, "proto/vectors/rules")}} {
		run := exec.Command(node, args...)
		run.Dir = root
		if out, err := run.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args[0], err, out)
		} else {
			t.Logf("%s", out)
		}
	}
}

func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip("SKIPPED: " + what)
}

// schemaOf returns the descriptors of xunzhen.care.v1 and of all that they import, as a FileDescriptorSet.
func schemaOf(t *testing.T) []byte {
	t.Helper()
	set, seen := &descriptorpb.FileDescriptorSet{}, map[string]bool{}
	var add func(protoreflect.FileDescriptor)
	add = func(file protoreflect.FileDescriptor) {
		if seen[file.Path()] {
			return
		}
		seen[file.Path()] = true
		for i := range file.Imports().Len() {
			add(file.Imports().Get(i).FileDescriptor)
		}
		set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
	}
	add((&carev1.RulePerson{}).ProtoReflect().Descriptor().ParentFile())
	add((&carev1.RulePackContent{}).ProtoReflect().Descriptor().ParentFile())
	for _, typ := range care.Types() {
		add(typ.Descriptor().ParentFile())
	}
	out, err := proto.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
