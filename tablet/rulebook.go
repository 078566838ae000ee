// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rulepack"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// Rules names the rule pack that the tablet works by.
type Rules struct {
	Name    string
	Version string // its edition, for people
	Hash    string // the first 8 hex digits of the SHA-256 of its content
	// BuiltIn says that it is the one of this program: the county's has not come, or
	// cannot be loaded.
	BuiltIn bool
	// Refused says that the county's pack is here and cannot be loaded by this program.
	Refused bool
}

// rulebook is a loaded pack with what this package asks of it.
type rulebook struct {
	*rules.Pack
	named   Rules
	checks  map[string]carev1.SchemaCheck // of the schema, by rule
	offered map[string]bool               // kind and path of what the pack can propose
}

// rulesNote is what is noted of the pack in use, so that a locked tablet can name it.
type rulesNote struct {
	Rules
	Program string `json:"program"` // which program said so: the hash of its own pack's files
	Record  string `json:"record"`  // hash of the county's content; "" there is none
}

func newRulebook(p *rules.Pack, builtIn bool) *rulebook {
	hash := p.Hash()
	b := &rulebook{
		Pack: p, named: Rules{Name: p.Name(), Version: p.Version(), Hash: hex.EncodeToString(hash[:4]), BuiltIn: builtIn},
		checks: map[string]carev1.SchemaCheck{}, offered: map[string]bool{},
	}
	content := p.Content()
	for _, r := range content.GetRules() {
		b.checks[r.GetId()] = r.GetCheck()
	}
	for _, o := range content.GetProposals() {
		b.offered[o.GetKind()+" "+o.GetPath()] = !o.GetOff()
	}
	return b
}

// builtIn returns the pack of this program, which is compiled once a process.
var builtIn = sync.OnceValues(func() (*rulebook, error) {
	p, err := rulepack.Load()
	if err != nil {
		return nil, err
	}
	return newRulebook(p, true), nil
})

// programRules names the rule pack of this program by the bytes of its files.
var programRules = sync.OnceValue(func() string {
	files, _ := rulepack.Sources() // embedded: builtIn says what is wrong with them
	h := sha256.New()
	for _, f := range files {
		h.Write([]byte(f.Name))
		h.Write(f.Text)
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
})

// rules returns the pack to work by: the county's where it came and can be loaded, else
// the one of this program.
func (t *Tablet) rules(ctx context.Context) (*rulebook, error) {
	t.mu.Lock()
	b, turn := t.book, t.turn
	t.mu.Unlock()
	if b != nil {
		return b, nil
	}
	carried, err := t.carriedRules(ctx)
	if err != nil {
		return nil, err
	}
	if b, err = t.load(carried); err != nil {
		return nil, err
	}
	t.mu.Lock()
	if t.turn == turn {
		t.book = b
	}
	t.mu.Unlock()
	t.noteRules(ctx, b, carried)
	return b, nil
}

// load loads the county's pack, or says in the log why it cannot be used.
func (t *Tablet) load(carried *carev1.RulePack) (*rulebook, error) {
	if carried != nil {
		p, err := loadCarried(carried)
		if err == nil {
			return newRulebook(p, false), nil
		}
		t.log.Warn("the county's rule pack cannot be used", "hash", contentHash(carried), "error", err)
	}
	own, err := builtIn()
	if err != nil || carried == nil {
		return own, err
	}
	refused := *own
	refused.named.Refused = true
	return &refused, nil
}

// loadCarried checks a county's pack. What panics is refused as anything else: whatever
// came, forms can be looked at and saved.
func loadCarried(carried *carev1.RulePack) (p *rules.Pack, err error) {
	defer func() {
		if v := recover(); v != nil {
			p, err = nil, fmt.Errorf("%w: %v", rules.ErrPack, v)
		}
	}()
	return rules.LoadRecord(carried)
}

// carriedRules returns the county's pack, nil where there is none. Of several the record
// with the greatest id counts, which is the newest, as at the centre; one that the centre
// holds does not.
func (t *Tablet) carriedRules(ctx context.Context) (newest *carev1.RulePack, err error) {
	err = t.eachScreen(ctx, replica.Query{Kind: care.KindRulePack}, func(s replica.Screen) (bool, error) {
		e, ok := entryOf(s)
		if p, isPack := e.Form.(*carev1.RulePack); ok && isPack && !e.Voided && !showsHeld(s) {
			newest = p
		}
		return true, nil
	})
	return newest, err
}

// showsHeld reports whether something on a screen is a save that the centre holds: rules
// that were not admitted are nobody's.
func showsHeld(s replica.Screen) bool {
	return slices.ContainsFunc(s.Registers, func(g record.Register) bool { return len(g.Siblings) > 0 && g.Siblings[0].Held })
}

func contentHash(p *carev1.RulePack) string {
	return hex.EncodeToString(p.GetRules().GetContentSha256())
}

// noteRules keeps what a locked tablet says of its rules. That it could not be kept is no
// reason not to work by them.
func (t *Tablet) noteRules(ctx context.Context, b *rulebook, carried *carev1.RulePack) {
	next := rulesNote{Rules: b.named, Program: programRules(), Record: contentHash(carried)}
	var noted rulesNote
	if err := t.readNote(ctx, noteRulesUsed, &noted); err == nil && noted == next {
		return
	}
	if err := t.writeNote(ctx, noteRulesUsed, next); err != nil {
		t.log.Warn("note the rule pack", "reason", reasonOf(err))
	}
}

// Rules returns which rule pack the tablet works by. A locked tablet says what it last
// worked by.
func (t *Tablet) Rules() (*Rules, error) {
	r, err := t.rulesNamed(context.Background())
	return r, fail("rules", err)
}

func (t *Tablet) rulesNamed(ctx context.Context) (*Rules, error) {
	t.mu.Lock()
	b := t.book
	t.mu.Unlock()
	if b == nil {
		var noted rulesNote
		if err := t.readNote(ctx, noteRulesUsed, &noted); err != nil {
			return nil, err
		}
		switch {
		case noted.Program == programRules() || t.Locked() && noted.Record != "":
			return &noted.Rules, nil
		case t.Locked():
			own, err := builtIn()
			if err != nil {
				return nil, err
			}
			r := own.named
			return &r, nil
		}
		var err error
		if b, err = t.rules(ctx); err != nil {
			return nil, err
		}
	}
	r := b.named
	return &r, nil
}

// rulesCame looks, after records came from elsewhere, whether another pack is among them.
// A locked tablet looks once it is unlocked: nothing it could not open has come.
func (t *Tablet) rulesCame(ctx context.Context) error {
	if t.Locked() {
		return nil
	}
	carried, err := t.carriedRules(ctx)
	if err != nil {
		return err
	}
	var noted rulesNote
	if err := t.readNote(ctx, noteRulesUsed, &noted); err != nil {
		return err
	}
	if noted.Record == contentHash(carried) && noted.Program == programRules() {
		return nil
	}
	if noted.Program == "" && carried == nil {
		return nil // the program's own, before anybody asked for it
	}
	t.forgetRules()
	_, err = t.rules(ctx)
	return err
}

// forgetRules has the pack loaded anew when it is needed.
func (t *Tablet) forgetRules() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.book = nil
	t.turn++
}
