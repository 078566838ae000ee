// SPDX-License-Identifier: Apache-2.0

package record

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/xunzhen/xunzhen/syncengine/causal"
)

// What a client in any language does with the vectors.

func TestStateVectors(t *testing.T) {
	for _, v := range readVectors[stateJSON](t, "states.json") {
		s, err := DecodeState(v.Bytes)
		if err != nil || !sameJSON(stateToJSON(v.Name, s), v) {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}

func TestApplyVectors(t *testing.T) {
	for i, v := range readVectors[applyJSON](t, "applies.json") {
		r, err := v.Revision.revision()
		before, err2 := DecodeState(v.Before)
		if err = errors.Join(err, err2); err != nil {
			t.Fatalf("%d, %s: %v", i, v.Name, err)
		}
		if after := (event{v.Event, r}).apply(before).Append(nil); !bytes.Equal(after, v.After) {
			t.Errorf("%d, %s: %s of %s gives\n %x, want\n %x", i, v.Name, v.Event, v.Revision.Dot, after, v.After)
		}
	}
}

func (j revisionJSON) revision() (Revision, error) {
	r, err := DecodeSkeleton(j.Skeleton)
	if err != nil {
		return r, err
	}
	d, err := causal.ParseDot(j.Dot)
	if err != nil || d.Replica != r.Dot.Replica || d.Counter != r.Dot.Counter {
		return r, fmt.Errorf("dot %s: %w", j.Dot, err)
	}
	r.Dot = d
	if j.Body == nil {
		for i := range r.Changes {
			r.Changes[i].Value.Form = Erased
		}
		return r, nil
	}
	r.Changes, err = DecodeBody(r.Changes, *j.Body)
	return r, err
}

func TestRefusedVectors(t *testing.T) {
	for _, v := range readVectors[refusedJSON](t, "refused.json") {
		var err error
		if v.Format == "path" {
			err = Path(v.Bytes).Valid()
		} else {
			_, err = decode(v.Format, v.Bytes)
		}
		if err == nil {
			t.Errorf("%s, %s: taken", v.Format, v.Name)
		}
	}
}

func TestHashVectors(t *testing.T) {
	for _, v := range readVectors[hashJSON](t, "hashes.json") {
		body := sha256.Sum256(slices.Concat(v.Salt, v.Body))
		leaf := sha256.Sum256(slices.Concat([]byte{0}, v.Skeleton, body[:]))
		if !bytes.Equal(body[:], v.BodyHash) || !bytes.Equal(leaf[:], v.LeafHash) {
			t.Errorf("%s: body hash %x, leaf hash %x", v.Name, body, leaf)
		}
		whole := hexBytes(v.Body)
		r, err := revisionJSON{v.Dot, v.Skeleton, &whole}.revision()
		if err != nil || !sameJSON(hashToJSON(v.Name, r, v.Salt), v) {
			t.Errorf("%s: %v", v.Name, err)
		}
		if err := r.Check(); err != nil {
			t.Errorf("%s: %v", v.Name, err)
		}
	}
}

func TestPathVectors(t *testing.T) {
	for _, v := range readVectors[pathJSON](t, "paths.json") {
		var p Path
		for _, s := range v.Steps {
			if s.Key != nil {
				p = p.Key(string(*s.Key))
			} else {
				p = p.Field(*s.Field)
			}
		}
		if string(p) != string(v.Bytes) || p.String() != v.Text || p.Valid() != nil {
			t.Errorf("%s: %x is %s", v.Text, string(p), p)
		}
	}
}

func TestDisplayVectors(t *testing.T) {
	for _, v := range readVectors[displayJSON](t, "display.json") {
		s, err := DecodeState(v.State)
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		var own []Revision
		for _, j := range v.Own {
			r, err := j.revision()
			if err != nil {
				t.Fatalf("%s: %v", v.Name, err)
			}
			own = append(own, r)
		}
		if !sameJSON(registersToJSON(s.RegistersWith(own)), v.Registers) {
			t.Errorf("%s: other registers", v.Name)
		}
		if s.Conflicts() != v.Conflicts {
			t.Errorf("%s: %d conflicts, want %d", v.Name, s.Conflicts(), v.Conflicts)
		}
	}
}

func TestFingerprintVectors(t *testing.T) {
	sum := new(big.Int)
	for _, v := range readVectors[fingerprintJSON](t, "fingerprints.json") {
		id, err := ParseID(v.Record)
		if f := Fingerprint(id, v.State); err != nil || !bytes.Equal(f[:], v.Fingerprint) {
			t.Errorf("%s: %x, %v", v.Record, f, err)
		}
		sum.Add(sum, new(big.Int).SetBytes(v.Fingerprint))
		low := sum.Bytes()
		if low = low[max(0, len(low)-32):]; !bytes.Equal(low, bytes.TrimLeft(v.SumSoFar, "\x00")) {
			t.Errorf("%s: sum %x, want %x", v.Record, low, []byte(v.SumSoFar))
		}
	}
}

func TestIDVectors(t *testing.T) {
	for _, v := range readVectors[idJSON](t, "ids.json") {
		id, err := ParseID(v.ID)
		if err != nil || id.Kind() != v.Kind {
			t.Errorf("%s: kind %d, %v", v.ID, id.Kind(), err)
		}
		if v.Maker == "" {
			if got := DerivedID(v.Kind, []byte(v.Name)); got != id {
				t.Errorf("%s: derived %s", v.ID, got)
			}
			continue
		}
		maker, err := causal.ParseReplicaID(v.Maker)
		if err != nil || !id.MadeBy(maker, [16]byte(v.Salt)) {
			t.Errorf("%s: not by its maker, %v", v.ID, err)
		}
	}
}

// The committed corpora hold every sample that the tables have, so that the
// fuzzer starts from all that was thought of.
func TestFuzzCorpora(t *testing.T) {
	targets := map[string]string{"state": "FuzzDecodeState", "skeleton": "FuzzDecodeSkeleton", "shape": "FuzzDecodeShape", "body": "FuzzDecodeBody"}
	for _, s := range slices.Concat(taken, refused) {
		if b := s.bytes(); len(b) < 2048 {
			corpusFile(t, targets[s.format], fmt.Sprintf("[]byte(%q)", b), b)
		}
	}
	for _, p := range pathTable {
		corpusFile(t, "FuzzPath", fmt.Sprintf("string(%q)", string(p.path)), []byte(p.path))
	}
	for _, p := range refusedPaths {
		if len(p.bytes) < 2048 {
			corpusFile(t, "FuzzPath", fmt.Sprintf("string(%q)", p.bytes), []byte(p.bytes))
		}
	}
	for _, v := range idVectors() {
		corpusFile(t, "FuzzParseID", fmt.Sprintf("string(%q)", v.ID), []byte(v.ID))
	}
}

func corpusFile(t *testing.T, target, line string, input []byte) {
	t.Helper()
	sum := sha256.Sum256(input)
	path := filepath.Join("testdata", "fuzz", target, fmt.Sprintf("%x", sum[:8]))
	want := "go test fuzz v1\n" + line + "\n"
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(want), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s: %v", path, err)
	}
}
