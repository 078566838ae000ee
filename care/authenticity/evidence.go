// SPDX-License-Identifier: Apache-2.0

package authenticity

import (
	"cmp"
	"maps"
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/rules"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Input is one person as it stands.
type Input struct {
	Person *rules.Person
	// Places says of each entry's record where it stands and how it came.
	Places map[record.ID]Place
}

// Evidence is what follows from one person by itself.
type Evidence struct {
	Visits []Visit // by day and id
	Keys   []Key   // what it may have in common with others
	Homes  []Home
	Posts  []Posts
	Found  []Finding
}

// Home is where a household lives.
type Home struct {
	Household record.ID
	Point     Point
}

// Posts is when somebody is on the staff list.
type Posts struct {
	Staff string
	Spans [][2]care.Date // from and to, both inclusive; 0: open
}

// On reports whether the list has somebody on a day.
func (p Posts) On(day care.Date) bool {
	return slices.ContainsFunc(p.Spans, func(s [2]care.Date) bool { return s[0] <= day && (s[1] == 0 || day <= s[1]) })
}

// Gather returns what follows from one person on a day, and is a function of the two.
func (r *Rules) Gather(in Input, day care.Date) Evidence {
	var out Evidence
	id := in.Person.ID()
	for _, e := range in.Person.Entries() {
		place := in.Places[e.ID]
		if v, ok := VisitOf(id, e, place); ok {
			out.Visits = append(out.Visits, v)
		}
		out.Keys = append(out.Keys, keysOf(id, e, place)...)
		switch m := e.Form.(type) {
		case *carev1.Household:
			if p := pointOf(m.GetPosition()); p.Set {
				out.Homes = append(out.Homes, Home{e.ID, p})
			}
		case *carev1.Staff:
			out.Posts = append(out.Posts, postsOf(m))
		}
	}
	slices.SortFunc(out.Visits, func(a, b Visit) int { return cmp.Or(cmp.Compare(a.Day, b.Day), record.ID.Compare(a.Record, b.Record)) })
	for i := range out.Visits {
		out.Keys = append(out.Keys, panelKeys(&out.Visits[i], r.Settings.Labs)...)
		if k, ok := signerKey(&out.Visits[i]); ok {
			out.Keys = append(out.Keys, k)
		}
	}
	out.Found = append(r.fromPack(in, day), r.alone(in.Person, out.Visits)...)
	return out
}

func postsOf(m *carev1.Staff) Posts {
	p := Posts{Staff: m.GetStaffId()}
	for _, key := range sortedKeys(m.GetPosts()) {
		post := m.GetPosts()[key]
		p.Spans = append(p.Spans, [2]care.Date{care.Date(post.GetSince()), care.Date(post.GetUntil())})
	}
	return p
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }

// pointers returns the visits of a slice, in its order.
func pointers(visits []Visit) []*Visit {
	out := make([]*Visit, len(visits))
	for i := range visits {
		out[i] = &visits[i]
	}
	return out
}

// grouped returns the visits by what key says of them, each group in the order of visits.
func grouped[K comparable](visits []*Visit, key func(*Visit) K) map[K][]*Visit {
	out := map[K][]*Visit{}
	for _, v := range visits {
		k := key(v)
		out[k] = append(out[k], v)
	}
	return out
}

// only returns those that keep says yes to.
func only(visits []*Visit, keep func(*Visit) bool) []*Visit {
	var out []*Visit
	for _, v := range visits {
		if keep(v) {
			out = append(out, v)
		}
	}
	return out
}
