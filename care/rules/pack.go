// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"cel.dev/cel-go/common/types"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// A Pack is a rule pack that has been checked and compiled.
type Pack struct {
	content     *carev1.RulePackContent // composed, test rows apart
	tests       []*carev1.RuleTest
	bytes       []byte // the canonical bytes of content
	hash        [sha256.Size]byte
	registry    *types.Registry
	kinds       map[record.Kind]*kindPack
	lists       map[string]*kindPack // by the variable that holds their forms
	messages    map[protoreflect.FullName]protoreflect.MessageDescriptor
	populations []*populationRule
	due         []*dueRule
}

// Load composes and checks a pack from its files: those that extend nothing make
// up the pack, those of a county are laid over it in the order of their names. A
// pack with anything wrong is refused whole; the error joins a *Fault for each thing, and
// wraps ErrPack.
func Load(sources ...Source) (*Pack, error) { return LoadFor(care.Types(), sources...) }

// LoadFor is Load for forms of other kinds than this build has.
func LoadFor(kinds map[record.Kind]protoreflect.MessageType, sources ...Source) (*Pack, error) {
	d := compose(sources)
	if err := d.err(); err != nil {
		return nil, err
	}
	return compile(d, kinds)
}

// LoadContent checks a composed pack that came as the bytes of a RulePackContent.
// Its errors are those of Load.
func LoadContent(content []byte) (*Pack, error) {
	d := newDraft()
	if len(content) > maxBytes {
		d.fault(nil, "", "the pack has more than %d bytes", maxBytes)
		return nil, d.err()
	}
	if err := (proto.UnmarshalOptions{RecursionLimit: maxNesting}).Unmarshal(content, d.content); err != nil {
		d.fault(nil, "", "%v", err)
		return nil, d.err()
	}
	if d.content.GetExtends() != "" || len(d.content.GetChanges()) > 0 {
		d.fault(nil, "", "a pack that extends another is composed before it is carried")
		return nil, d.err()
	}
	pack, err := compile(d, care.Types())
	if err != nil {
		return nil, err
	}
	pack.bytes, pack.hash = slices.Clone(content), sha256.Sum256(content)
	return pack, nil
}

// compile checks a draft and makes it a pack.
func compile(d *draft, kinds map[record.Kind]protoreflect.MessageType) (*Pack, error) {
	if d.checkShape(); d.err() != nil {
		return nil, d.err()
	}
	c := &compiler{draft: d, pack: &Pack{kinds: map[record.Kind]*kindPack{}, lists: map[string]*kindPack{}}}
	for kind, typ := range kinds {
		desc := typ.Descriptor()
		c.pack.kinds[kind] = &kindPack{
			kind: kind, name: kindName(desc), typ: typ, desc: desc, empty: typ.Zero().Interface(),
			defined: map[string]int{}, ranks: map[string]int{}, slots: map[string]int{}, checks: map[carev1.SchemaCheck][]*rule{}, plan: newPlan(desc),
		}
	}
	for _, k := range c.pack.kinds {
		c.pack.lists["records."+k.name] = k
	}
	if err := c.environment(kinds); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPack, err)
	}
	if err := c.rows(); err != nil {
		return nil, err
	}
	return c.pack, c.pack.seal(d.content)
}

// rows compiles the rows one kind of row after the other.
func (c *compiler) rows() error {
	for _, row := range c.content.GetDefinitions() {
		if len(row.GetKinds()) == 0 {
			c.fault(row, row.GetId(), "a definition names its kinds")
			continue
		}
		for _, k := range c.kindsNamed(row, row.GetKinds()) {
			c.define(k, row)
		}
	}
	for i, row := range c.content.GetRules() {
		c.rule(i, row)
	}
	for _, row := range c.content.GetProposals() {
		c.proposal(row)
	}
	for _, row := range c.content.GetPopulations() {
		c.population(row)
	}
	for _, row := range c.content.GetDue() {
		c.dueRow(row)
	}
	return c.err()
}

// seal fixes the bytes of the composed pack and their hash.
func (p *Pack) seal(content *carev1.RulePackContent) error {
	p.tests = content.GetTests()
	p.content, _ = proto.Clone(content).(*carev1.RulePackContent)
	p.content.Tests, p.content.Changes, p.content.Extends = nil, nil, ""
	var err error
	p.bytes, err = proto.MarshalOptions{Deterministic: true}.Marshal(p.content)
	p.hash = sha256.Sum256(p.bytes)
	return err
}

// Only returns a pack that tries no other rules than those that has says, and proposes nothing.
// It shares with p what is compiled; its name, content and hash are those of p.
func (p *Pack) Only(has func(rule string) bool) *Pack {
	out := *p
	out.populations, out.due = nil, nil
	out.kinds = make(map[record.Kind]*kindPack, len(p.kinds))
	for kind, k := range p.kinds {
		out.kinds[kind] = k.only(has)
	}
	return &out
}

func (k *kindPack) only(has func(rule string) bool) *kindPack {
	hasNot := func(r *rule) bool { return !has(r.row.GetId()) }
	out := *k
	out.proposals = nil
	out.rules = slices.DeleteFunc(slices.Clone(k.rules), hasNot)
	out.checks = map[carev1.SchemaCheck][]*rule{}
	for check, all := range k.checks {
		if some := slices.DeleteFunc(slices.Clone(all), hasNot); len(some) > 0 {
			out.checks[check] = some
		}
	}
	return &out
}

// Name returns what the pack is called.
func (p *Pack) Name() string { return p.content.GetName() }

// Version returns its edition, for people.
func (p *Pack) Version() string { return p.content.GetVersion() }

// Hash returns the SHA-256 of Bytes: it names what the pack does.
func (p *Pack) Hash() [sha256.Size]byte { return p.hash }

// Bytes returns the composed pack as it is carried and hashed, without test rows.
// LoadContent(Bytes()) has the same hash. The bytes must not be changed.
func (p *Pack) Bytes() []byte { return p.bytes }

// Content returns a copy of the composed pack, test rows apart: every threshold,
// rule, proposal, population and due row in its order, for lists and documents.
func (p *Pack) Content() *carev1.RulePackContent {
	out, _ := proto.Clone(p.content).(*carev1.RulePackContent)
	return out
}

// Rules returns the rules in the order of the pack, those switched off included.
func (p *Pack) Rules() []*carev1.Rule { return p.Content().GetRules() }

// Tests returns the test rows; nil for a pack that was carried. They must not be changed.
func (p *Pack) Tests() []*carev1.RuleTest { return p.tests }

// KindName returns how rules call a kind, "" for one that the pack does not know.
func (p *Pack) KindName(kind record.Kind) string {
	if k, ok := p.kinds[kind]; ok {
		return k.name
	}
	return ""
}
