// SPDX-License-Identifier: Apache-2.0

package manual

import (
	"regexp"
	"slices"
	"strings"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

var (
	literal       = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'`)
	formField     = regexp.MustCompile(`\b(?:r|previous|history\[[^\[\]]*\])((?:\.[a-z_][a-z0-9_]*|\[[^\[\]]*\])+)`)
	namedPart     = regexp.MustCompile(`\bd\.([a-z][a-z0-9_]*)`)
	namedNumber   = regexp.MustCompile(`\bt\.([a-z][a-z0-9_]*)`)
	formsOfKind   = regexp.MustCompile(`\brecords\.([a-z][a-z0-9_]*)`)
	residentForm  = regexp.MustCompile(`\bperson\.resident\b`)
	bracketedPart = regexp.MustCompile(`\[[^\[\]]*\]`)
)

// A reading is what expressions name, that of the definitions they use included; each
// thing once, in the order in which it is met.
type reading struct {
	fields     []string // of the form that is looked at or of an earlier one of its kind, without brackets
	thresholds []string
	kinds      []string // other forms of the person
}

// reads returns what expressions name when they are evaluated for a kind.
func (b *book) reads(kind string, expressions ...string) reading {
	var out reading
	var used []string
	for len(expressions) > 0 {
		e := literal.ReplaceAllString(expressions[0], `""`)
		expressions = expressions[1:]
		for _, m := range formField.FindAllStringSubmatch(e, -1) {
			out.fields = once(out.fields, strings.TrimPrefix(bare(m[1]), "."))
		}
		for _, m := range namedNumber.FindAllStringSubmatch(e, -1) {
			out.thresholds = once(out.thresholds, m[1])
		}
		for _, m := range formsOfKind.FindAllStringSubmatch(e, -1) {
			out.kinds = once(out.kinds, m[1])
		}
		if residentForm.MatchString(e) {
			out.kinds = once(out.kinds, "resident")
		}
		for _, m := range namedPart.FindAllStringSubmatch(e, -1) {
			if d := b.definition(m[1], kind); d != nil && !slices.Contains(used, m[1]) {
				used = append(used, m[1])
				expressions = append(expressions, d.GetExpression())
			}
		}
	}
	return out
}

func once(list []string, s string) []string {
	if slices.Contains(list, s) {
		return list
	}
	return append(list, s)
}

// bare drops the keys and places from a path.
func bare(path string) string { return bracketedPart.ReplaceAllString(path, "") }

func (b *book) definition(id, kind string) *carev1.Definition {
	for _, d := range b.pack.GetDefinitions() {
		if d.GetId() == id && slices.Contains(d.GetKinds(), kind) {
			return d
		}
	}
	return nil
}

// lookers returns, by the path of a field of a kind, the ids of the rows of the pack
// that are about it or read it, in the order of the pack.
func (b *book) lookers(k *kind) map[string][]string {
	out := map[string][]string{}
	for _, e := range b.entries {
		if e.sort > ofProposal || !slices.Contains(e.kinds, k.Name) {
			continue
		}
		for _, f := range slices.Concat(e.paths, e.reads[k.Name].fields) {
			if path, ok := k.find(f); ok {
				out[path] = once(out[path], e.id)
			}
		}
	}
	return out
}

// find returns the field that the longest beginning of a path leads to: what follows
// it is a function.
func (k *kind) find(path string) (string, bool) {
	for path = bare(path); path != ""; {
		for _, r := range k.rows {
			if bare(r.path) == path {
				return r.path, true
			}
		}
		path = path[:max(strings.LastIndexByte(path, '.'), 0)]
	}
	return "", false
}

// about returns the rows of a sort that are about the kind.
func (b *book) about(of sort, k *kind) []entry {
	return filter(b.entries, func(e entry) bool { return e.sort == of && slices.Contains(e.kinds, k.Name) })
}

// checksOf returns the checks of the schema that look at the kind.
func (b *book) checksOf(k *kind) []*carev1.Rule {
	return filter(b.pack.GetRules(), func(r *carev1.Rule) bool {
		return r.GetCheck() != 0 && (len(r.GetKinds()) == 0 || slices.Contains(r.GetKinds(), k.Name))
	})
}

// elsewhere returns the ids of the rows that read forms of the kind beside the form
// that they are about.
func (b *book) elsewhere(k *kind) []string {
	var out []string
	for _, e := range b.entries {
		for _, r := range e.reads {
			if slices.Contains(r.kinds, k.Name) {
				out = once(out, e.id)
			}
		}
	}
	return out
}

func filter[T any](all []T, keep func(T) bool) []T {
	var out []T
	for _, one := range all {
		if keep(one) {
			out = append(out, one)
		}
	}
	return out
}
