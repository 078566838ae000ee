// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

var update = flag.Bool("update", false, "write the conformance vectors and the fuzz corpora of this package anew")

const vectorDir = "../../proto/vectors/record"

// The JSON of the vectors; proto/vectors/README.md says what each field means.
type (
	hexBytes []byte

	valueJSON struct {
		Form  string   `json:"form"`
		Bytes hexBytes `json:"bytes"`
	}
	entryJSON struct {
		Dot     string    `json:"dot"`
		Path    hexBytes  `json:"path"`
		ClockMs string    `json:"clock_ms"`
		Value   valueJSON `json:"value"`
	}
	markJSON struct {
		Dot  string   `json:"dot"`
		Path hexBytes `json:"path"`
	}
	stateJSON struct {
		Name  string      `json:"name"`
		Bytes hexBytes    `json:"bytes"`
		VV    []string    `json:"vv"`
		Held  []string    `json:"held"`
		Live  []entryJSON `json:"live"`
		Marks []markJSON  `json:"marks"`
	}
	refusedJSON struct {
		Format string   `json:"format"`
		Name   string   `json:"name"`
		Bytes  hexBytes `json:"bytes"`
	}
	revisionJSON struct {
		Dot      string    `json:"dot"`
		Skeleton hexBytes  `json:"skeleton"`
		Body     *hexBytes `json:"body"`
	}
	applyJSON struct {
		Name     string       `json:"name"`
		Event    string       `json:"event"`
		Revision revisionJSON `json:"revision"`
		Before   hexBytes     `json:"before"`
		After    hexBytes     `json:"after"`
	}
	changeJSON struct {
		Path    hexBytes  `json:"path"`
		Value   valueJSON `json:"value"`
		Parents []string  `json:"parents"`
	}
	hashJSON struct {
		Name     string       `json:"name"`
		Record   string       `json:"record"`
		Prev     string       `json:"prev"`
		ClockMs  string       `json:"clock_ms"`
		Author   string       `json:"author"`
		SeenDot  string       `json:"scope_seen_dot"`
		Seen     string       `json:"scope_seen"`
		Changes  []changeJSON `json:"changes"`
		Skeleton hexBytes     `json:"skeleton"`
		Salt     hexBytes     `json:"salt"`
		Body     hexBytes     `json:"body"`
		BodyHash hexBytes     `json:"body_hash"`
		LeafHash hexBytes     `json:"leaf_hash"`
		Dot      string       `json:"dot"`
	}
	stepJSON struct {
		Field *uint32   `json:"field,omitempty"`
		Key   *hexBytes `json:"key,omitempty"`
	}
	pathJSON struct {
		Bytes hexBytes   `json:"bytes"`
		Text  string     `json:"text"`
		Steps []stepJSON `json:"steps"`
	}
	siblingJSON struct {
		Dot     string    `json:"dot"`
		ClockMs string    `json:"clock_ms"`
		Value   valueJSON `json:"value"`
		Held    bool      `json:"held"`
	}
	registerJSON struct {
		Path     hexBytes      `json:"path"`
		Siblings []siblingJSON `json:"siblings"`
		Parents  []string      `json:"parents"`
		Conflict bool          `json:"conflict"`
	}
	displayJSON struct {
		Name      string         `json:"name"`
		State     hexBytes       `json:"state"`
		Own       []revisionJSON `json:"own"`
		Registers []registerJSON `json:"registers"`
		Conflicts int            `json:"conflicts"`
		Divisions []string       `json:"divisions"`
		Subject   string         `json:"subject"`
		Life      string         `json:"life"`
	}
	fingerprintJSON struct {
		Record      string   `json:"record"`
		State       hexBytes `json:"state"`
		Fingerprint hexBytes `json:"fingerprint"`
		SumSoFar    hexBytes `json:"sum_so_far"`
	}
	idJSON struct {
		Kind   Kind     `json:"kind"`
		MadeMs string   `json:"made_ms,omitempty"`
		Maker  string   `json:"maker,omitempty"`
		Salt   hexBytes `json:"salt,omitempty"`
		Name   string   `json:"name,omitempty"`
		ID     string   `json:"id"`
	}
)

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexBytes) UnmarshalText(text []byte) (err error) {
	*h, err = hex.DecodeString(string(text))
	return err
}

func millis(ms int64) string { return strconv.FormatInt(ms, 10) }

func dotTexts(dots []causal.Dot) []string {
	out := []string{}
	for _, d := range dots {
		out = append(out, d.String())
	}
	return out
}

func valueToJSON(v Value) valueJSON {
	return valueJSON{map[Form]string{Clear: "clear", Erased: "erased", Present: "present"}[v.Form], v.Bytes}
}

func stateToJSON(name string, s State) stateJSON {
	out := stateJSON{name, s.Append(nil), dotTexts(s.VV), dotTexts(s.Held), []entryJSON{}, []markJSON{}}
	for _, e := range s.Live {
		out.Live = append(out.Live, entryJSON{e.Dot.String(), hexBytes(e.Path), millis(e.ClockMs), valueToJSON(e.Value)})
	}
	for _, m := range s.Marks {
		out.Marks = append(out.Marks, markJSON{m.Dot.String(), hexBytes(m.Path)})
	}
	return out
}

func revisionToJSON(r Revision) revisionJSON {
	out := revisionJSON{Dot: r.Dot.String(), Skeleton: r.AppendSkeleton(nil)}
	if !slices.ContainsFunc(r.Changes, func(c Change) bool { return c.Value.Form == Erased }) {
		body := hexBytes(AppendBody(nil, r.Changes))
		out.Body = &body
	}
	return out
}

func registersToJSON(registers []Register) []registerJSON {
	out := []registerJSON{}
	for _, g := range registers {
		j := registerJSON{hexBytes(g.Path), nil, dotTexts(g.Parents()), g.Conflict()}
		for _, x := range g.Siblings {
			j.Siblings = append(j.Siblings, siblingJSON{x.Dot.String(), millis(x.ClockMs), valueToJSON(x.Value), x.Held})
		}
		out = append(out, j)
	}
	return out
}

// vectorFile holds a file of vectors to what the code gives today, or writes it.
func vectorFile(t *testing.T, name string, vectors any) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(vectors); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(vectorDir, name)
	if *update {
		if err := os.MkdirAll(vectorDir, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, b.Bytes()) {
		t.Errorf("%s is not what the code gives: a format that others have must not change (%v)", name, err)
	}
}

// sameJSON reports whether two values are written alike.
func sameJSON(a, b any) bool {
	x, err := json.Marshal(a)
	y, err2 := json.Marshal(b)
	return err == nil && err2 == nil && bytes.Equal(x, y)
}

// readVectors reads a file of vectors as another client would.
func readVectors[T any](t *testing.T, name string) []T {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectorDir, name))
	if err != nil {
		t.Fatal(err)
	}
	var out []T
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&out); err != nil || len(out) == 0 {
		t.Fatalf("%s: %d vectors, %v", name, len(out), err)
	}
	return out
}
