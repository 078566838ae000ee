// SPDX-License-Identifier: Apache-2.0

package tablet

import (
	"context"
	"slices"
	"strings"
	"unicode"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/replica"
)

// Hit is a resident found.
type Hit struct {
	ID        string
	Name      string // as displayed
	BirthDate string // yyyy-mm-dd; "" not known
	Voided    bool
}

// names finds residents. It lives in memory only, while the tablet is unlocked.
type names struct {
	all      map[record.ID]resident
	byNumber map[string][]record.ID // by care.MatchKey
	damaged  int                    // residents that cannot be read
}

// resident is what is looked for: every name that is shown, in the form that names
// are compared in, and every number.
type resident struct {
	hit     Hit
	names   []string
	numbers []string
}

// namesStep is how many residents are read at a time.
const namesStep = 500

// Search returns the residents in whose name a text stands, at most limit of them
// (0: all): whole names first, then those that begin with it, then the others; an
// empty text finds everybody. Who is damaged here is not found, but counted. Reason: locked.
func (t *Tablet) Search(text string, limit int) (*HitList, error) {
	n, err := t.index()
	if err != nil {
		return nil, fail("search", err)
	}
	hits := n.search(comparable(text))
	if limit > 0 && len(hits) > limit {
		hits = hits[:limit]
	}
	return &HitList{hits, n.damaged}, nil
}

// SameNumber returns the other residents that bear the same document as one: a
// guess of this tablet that they are one person. Reasons: id, locked.
func (t *Tablet) SameNumber(id string) (*HitList, error) {
	rec, err := parseID(id)
	if err != nil {
		return nil, fail("same number", err)
	}
	n, err := t.index()
	if err != nil {
		return nil, fail("same number", err)
	}
	return &HitList{n.sameNumber(rec), n.damaged}, nil
}

// index returns the names, which it reads if they are not there. What it returns
// does not change.
func (t *Tablet) index() (*names, error) {
	if !t.vault.Unlocked() {
		return nil, replica.ErrLocked
	}
	t.mu.Lock()
	n, r := t.names, t.replica
	t.mu.Unlock()
	if n != nil {
		return n, nil
	}
	n, err := readNames(r)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closed && t.replica == r && t.vault.Unlocked() {
		t.names = n
	}
	return n, nil
}

// forgetNames has the names read anew when somebody searches.
func (t *Tablet) forgetNames() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.names = nil
}

// renamed has the names read anew if a resident was saved.
func (t *Tablet) renamed(id record.ID) {
	if id.Kind() == care.KindResident {
		t.forgetNames()
	}
}

func readNames(r *replica.Replica) (*names, error) {
	n := &names{all: map[record.ID]resident{}, byNumber: map[string][]record.ID{}}
	q := replica.Query{Kind: care.KindResident, Limit: namesStep}
	for {
		screens, err := r.List(context.Background(), q)
		if err != nil {
			return nil, err
		}
		for _, s := range screens {
			n.add(s)
		}
		if len(screens) < namesStep {
			return n, nil
		}
		q.After = screens[len(screens)-1].Record
	}
}

// add puts a resident in, under every name and number that stands on the screen,
// siblings included.
func (n *names) add(s replica.Screen) {
	if s.Damaged || len(s.Unreadable) > 0 {
		n.damaged++
	}
	if len(s.Registers) == 0 {
		return
	}
	one := resident{hit: Hit{ID: s.Record.String(), Voided: s.Life == record.LifeVoided}}
	depth := 1
	for _, g := range s.Registers {
		depth = max(depth, len(g.Siblings))
	}
	for i := range depth {
		m, err := care.Message(care.KindResident, layer(s.Registers, i))
		r, ok := m.(*carev1.Resident)
		if err != nil || !ok {
			return
		}
		if i == 0 {
			one.hit.Name = r.GetName()
			if d := care.Date(r.GetBirthDate()); d != 0 {
				one.hit.BirthDate = d.String()
			}
		}
		one.names = withText(one.names, comparable(r.GetName()))
		one.numbers = withText(one.numbers, care.MatchKey(r.GetIdentityDocument()))
	}
	n.all[s.Record] = one
	for _, number := range one.numbers {
		n.byNumber[number] = append(n.byNumber[number], s.Record)
	}
}

// layer returns the registers with their sibling number i shown, where there is one.
func layer(all []record.Register, i int) []record.Register {
	if i == 0 {
		return all
	}
	var out []record.Register
	for _, g := range all {
		if i < len(g.Siblings) {
			out = append(out, record.Register{Path: g.Path, Siblings: g.Siblings[i : i+1]})
		}
	}
	return out
}

func withText(list []string, text string) []string {
	if text == "" || slices.Contains(list, text) {
		return list
	}
	return append(list, text)
}

// comparable returns a name as names are compared: without blanks and middle dots,
// in small letters, wide letters narrow.
func comparable(name string) string {
	return strings.Map(func(r rune) rune {
		if r >= '！' && r <= '～' {
			r -= '！' - '!'
		}
		if unicode.IsSpace(r) || r == '·' || r == '•' || r == '.' {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// How well a text fits a name; less is better.
const (
	fitsWhole = iota
	fitsBeginning
	fitsSomewhere
	fitsNot
)

func fit(name, text string) int {
	switch {
	case name == text:
		return fitsWhole
	case strings.HasPrefix(name, text):
		return fitsBeginning
	case strings.Contains(name, text):
		return fitsSomewhere
	}
	return fitsNot
}

func (n *names) search(text string) []*Hit {
	found := make([][]*Hit, fitsNot)
	for _, one := range n.all {
		best := fitsNot
		for _, name := range one.names {
			best = min(best, fit(name, text))
		}
		if best < fitsNot {
			hit := one.hit
			found[best] = append(found[best], &hit)
		}
	}
	for _, list := range found {
		sortHits(list)
	}
	return slices.Concat(found...)
}

func (n *names) sameNumber(id record.ID) []*Hit {
	var out []*Hit
	for _, number := range n.all[id].numbers {
		for _, other := range n.byNumber[number] {
			hit := n.all[other].hit
			if other != id && !slices.ContainsFunc(out, func(h *Hit) bool { return h.ID == hit.ID }) {
				out = append(out, &hit)
			}
		}
	}
	sortHits(out)
	return out
}

func sortHits(hits []*Hit) {
	slices.SortFunc(hits, func(a, b *Hit) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
}
