// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"slices"
	"strings"

	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/segment"
)

const manifestPrefix = "manifest-"

// stored is a manifest and the name it lies under.
type stored struct {
	Manifest
	name string
}

// manifests returns what lies in a county's folder, in order of number, and the names
// of those that cannot be read.
func manifests(f folder, shard segment.ShardID) (out []stored, unreadable []string, err error) {
	names, err := f.names(manifestPrefix)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		if strings.HasSuffix(name, aside) {
			continue
		}
		raw, err := f.read(name, maxManifest)
		if err != nil && !f.there() {
			return nil, nil, err
		}
		m, err := decodeManifest(raw, shard)
		if err != nil {
			unreadable = append(unreadable, name)
			continue
		}
		out = append(out, stored{m, name})
	}
	slices.SortStableFunc(out, func(a, b stored) int { return int(a.Number) - int(b.Number) })
	return out, unreadable, nil
}

// tidy takes bodies that were ordered gone out of earlier backups, too, and removes
// what no backup needs any more.
func (r *run) tidy() error {
	all, _, err := manifests(r.f, r.made.Shard())
	if err != nil {
		return err
	}
	stay := retained(all)
	for i, s := range stay {
		if s.Number == r.made.Number {
			continue
		}
		if stay[i], err = r.cleanse(s); err != nil {
			return err
		}
	}
	stay = slices.DeleteFunc(stay, func(s stored) bool { return s.name == "" })
	return r.sweep(stay)
}

// retained returns the backups that are kept: the last two, and the last one of each
// earlier epoch, because it may have what a restore did without.
func retained(all []stored) (out []stored) {
	all = slices.CompactFunc(all, func(a, b stored) bool { return a.Number == b.Number }) // signed twice, and cut off then
	for i, m := range all {
		lastOfEpoch := !slices.ContainsFunc(all[i+1:], func(o stored) bool { return o.Checkpoint.Epoch == m.Checkpoint.Epoch })
		if i >= len(all)-2 || lastOfEpoch {
			out = append(out, m)
		}
	}
	return out
}

// cleanse returns an earlier backup without what was ordered gone since. Where its part
// of the ledger is not this one, nobody can tell what is in it; then an order that came
// since it was made ends it, and the result has no name.
func (r *run) cleanse(s stored) (stored, error) {
	m := s.Manifest
	m.Parts = nil
	for _, p := range s.Parts {
		ours, err := r.ours(p)
		if err != nil {
			return s, err
		}
		again := []Part{p}
		switch known := ours && m.Recipient == r.cfg.Recipient; {
		case !known && r.orderedSince(s.Manifest):
			return stored{}, nil
		case known && !slices.Equal(p.Erased, r.erasedIn(p.First, p.end())):
			if again, err = r.replace(p); err != nil {
				return s, err
			}
		}
		m.Parts = append(m.Parts, again...)
	}
	if slices.EqualFunc(m.Parts, s.Parts, samePart) {
		return s, nil
	}
	if err := r.publish(&m); err != nil {
		return s, err
	}
	return r.published(m)
}

func samePart(a, b Part) bool { return a.File == b.File }

// orderedSince reports whether anything was ordered gone that a backup may still have.
func (r *run) orderedSince(m Manifest) bool {
	known := map[string]bool{}
	for _, p := range m.Parts {
		for _, d := range p.Erased {
			known[d.String()] = true
		}
	}
	return slices.ContainsFunc(r.snapshot.Erased, func(x syncengine.ErasedBody) bool { return !known[x.Dot.String()] })
}

// replace returns what the new backup has for a part, or writes it.
func (r *run) replace(p Part) ([]Part, error) {
	for _, o := range r.made.Parts {
		if o.First == p.First && o.Leaves == p.Leaves {
			return []Part{o}, nil
		}
	}
	return r.write(p.First, p.end())
}

// published finds the manifest that was signed anew.
func (r *run) published(m Manifest) (stored, error) {
	all, _, err := manifests(r.f, m.Shard())
	for _, s := range all {
		if s.Number == m.Number && slices.EqualFunc(s.Parts, m.Parts, samePart) {
			return s, nil
		}
	}
	return stored{}, err
}

// sweep removes the files of no backup that stays.
func (r *run) sweep(stay []stored) error {
	needed := map[string]bool{}
	for _, s := range stay {
		needed[s.name] = true
		for _, f := range s.files() {
			needed[f.Name] = true
		}
	}
	for _, n := range r.report.Unreadable {
		needed[n] = true
	}
	for _, prefix := range []string{manifestPrefix, "part-", "rest-", "keys-"} {
		names, err := r.f.names(prefix)
		if err != nil {
			return err
		}
		for _, name := range names {
			if needed[name] {
				continue
			}
			if err := r.f.remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}
