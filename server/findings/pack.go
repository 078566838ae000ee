// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"

	"google.golang.org/protobuf/proto"
	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// pack is a rule pack in use.
type pack struct {
	Rules
	hash    [32]byte
	reads   map[string]reading // by rule; those that look at one form only are not in it
	rank    map[string]int     // the place of each rule in the pack
	rest    portion            // without the rules that look at one form and the person only
	daily   portion            // the rules that look at the day
	carried []byte             // the form that carried it; nil: it is the one of the program
	refused refusedPack        // the county's own, if it is not this one
}

// portion is a pack of some of a pack's rules. What the others found still stands when nothing
// that they look at has changed.
type portion struct {
	Rules                 // nil: it is not to be had, and always the whole is tried
	has   map[string]bool // its rules
}

// reading is what a rule looks at beside the form.
type reading struct{ class record.Class } // the highest of the kinds

// refusedPack is a county's pack that cannot be used. The last good one stays.
type refusedPack struct {
	id  record.ID // zero: none
	why string
}

// maxWhy bounds what is kept of the reasons, in bytes: a pack has up to 50 faults.
const maxWhy = 4000

func (f *Findings) newPack(r Rules, carried []byte) *pack {
	content := r.Content()
	p := &pack{
		Rules: r, hash: r.Hash(), carried: carried, reads: map[string]reading{}, rank: map[string]int{},
		rest: portion{has: map[string]bool{}}, daily: portion{has: map[string]bool{}},
	}
	for i, rule := range content.GetRules() {
		texts, id := expressions(content, rule), rule.GetId()
		p.rank[id] = i
		class, reads := classRead(texts)
		if reads {
			p.reads[id] = reading{class}
		}
		daily := slices.ContainsFunc(texts, day.MatchString)
		if daily {
			p.daily.has[id] = true
		}
		if reads || daily {
			p.rest.has[id] = true
		}
	}
	for _, part := range []*portion{&p.rest, &p.daily} {
		part.Rules = f.cfg.Part(r, func(rule string) bool { return part.has[rule] })
	}
	return p
}

// Choose chooses the pack to try: that of the county's newest record of the kind
// rule_pack that is not void, else the one of the program. When that record's cannot be
// loaded, the last one that could stays.
func (f *Findings) Choose(_ context.Context, conn *sqlite.Conn, rows []syncengine.RecordRow) error {
	last, err := readCarried(conn)
	if err != nil {
		return err
	}
	p := f.choosePack(rows, last)
	if !bytes.Equal(p.carried, last) {
		if err := putCarried(conn, p.carried); err != nil {
			return err
		}
	}
	f.pack = p
	f.tell(p)
	return nil
}

func (f *Findings) choosePack(rows []syncengine.RecordRow, last []byte) *pack {
	for _, row := range rows {
		form, live := packForm(row)
		if !live {
			continue
		}
		p, err := f.load(form)
		if err == nil {
			return p
		}
		f.cfg.Log.Error("the county's rule pack cannot be used, the last good one stays", "record", row.ID)
		p = f.lastGood(last)
		why := err.Error()
		p.refused = refusedPack{row.ID, why[:min(len(why), maxWhy)]}
		return p
	}
	return f.newPack(f.cfg.BuiltIn, nil)
}

// packForm returns the form of a record of the kind rule_pack; false when it is void.
func packForm(row syncengine.RecordRow) (*carev1.RulePack, bool) {
	state, err := record.DecodeState(row.State)
	if err != nil {
		return nil, true
	}
	if state.Life() == record.LifeVoided {
		return nil, false
	}
	m, _ := care.Message(care.KindRulePack, state.Registers())
	form, _ := m.(*carev1.RulePack)
	return form, true
}

// load checks a carried pack. What panics is refused as anything else.
func (f *Findings) load(form *carev1.RulePack) (p *pack, err error) {
	defer func() {
		if v := recover(); v != nil {
			p, err = nil, syncengine.NewPanicError(v)
		}
	}()
	r, err := f.cfg.Load(form)
	if err != nil {
		return nil, err
	}
	carried, err := proto.MarshalOptions{Deterministic: true}.Marshal(form)
	if err != nil {
		return nil, fmt.Errorf("keep the pack: %w", err)
	}
	return f.newPack(r, carried), nil
}

// lastGood returns the pack that was in use, or that of the program.
func (f *Findings) lastGood(carried []byte) *pack {
	form := &carev1.RulePack{}
	if carried != nil && proto.Unmarshal(carried, form) == nil {
		if p, err := f.load(form); err == nil {
			return p
		}
	}
	return f.newPack(f.cfg.BuiltIn, nil)
}

var (
	recordsOf = regexp.MustCompile(`\brecords\s*\.\s*([a-z0-9_]+)`)
	recordsAs = regexp.MustCompile(`\brecords\b`)
	earlier   = regexp.MustCompile(`\b(history|previous)\b`)
	day       = regexp.MustCompile(`\bas_of\b`)
	defined   = regexp.MustCompile(`\bd\s*\.\s*([a-z0-9_]+)`)
)

// expressions returns the expressions of a rule, with those of the definitions that they name.
func expressions(content *carev1.RulePackContent, r *carev1.Rule) []string {
	texts := []string{r.GetWhen()}
	for _, v := range r.GetValues() {
		texts = append(texts, v.GetExpression())
	}
	seen := map[string]bool{}
	for i := 0; i < len(texts); i++ {
		for _, name := range defined.FindAllStringSubmatch(texts[i], -1) {
			if seen[name[1]] {
				continue
			}
			seen[name[1]] = true
			for _, d := range content.GetDefinitions() {
				if d.GetId() == name[1] {
					texts = append(texts, d.GetExpression())
				}
			}
		}
	}
	return texts
}

// classRead returns the highest class of the kinds that expressions name beside the form's own.
func classRead(texts []string) (highest record.Class, reads bool) {
	for _, text := range texts {
		named := recordsOf.FindAllStringSubmatch(text, -1)
		if len(named) < len(recordsAs.FindAllString(text, -1)) {
			return record.ClassSensitive, true // in a way that does not show which
		}
		for _, name := range named {
			reads = true
			if kind, ok := care.KindNamed(name[1]); ok {
				info, _ := care.Kinds().Lookup(kind)
				highest = max(highest, info.Class)
			}
		}
		reads = reads || earlier.MatchString(text)
	}
	return highest, reads
}
