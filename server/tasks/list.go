// SPDX-License-Identifier: Apache-2.0

package tasks

import (
	"context"
	"fmt"
	"slices"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/quota"
	"github.com/xunzhen/xunzhen/syncengine"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/segment"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// Query selects parts; what is not given does not select.
type Query struct {
	Set      string // empty: the counties' parts of all sets
	Division record.Division
	Doctor   string
	RedOnly  bool
	Depth    quota.Level // only so far down; 0: all
	AsOf     care.Date   // 0: today
}

// Listed is one part as it stands.
type Listed struct {
	ID       record.ID
	Unit     quota.Unit
	Form     *carev1.Task
	Progress *quota.Progress // nil: nobody counts the indicator
	// Uneven says that its parts do not add up, because somebody saved one of them by itself.
	Uneven   bool
	OnTablet bool // the number was changed on a tablet
}

// List is parts with which indicators nobody counts.
type List struct {
	Parts      []Listed
	NotCounted []string
	More       bool
}

// List returns parts in the order of a tree, from the skip-th on, at most limit.
func (t *Tasks) List(ctx context.Context, q Query, sight Sight, skip, limit int) (List, error) {
	if _, err := t.cfg.Parts.Follow(ctx); err != nil {
		return List{}, fmt.Errorf("tasks: %w", err)
	}
	parts, err := t.parts(ctx, q.Set)
	if err != nil {
		return List{}, fmt.Errorf("tasks: %w", err)
	}
	if q.AsOf == 0 {
		q.AsOf = t.today()
	}
	parts = slices.DeleteFunc(parts, func(p part) bool { return p.withdrawn() })
	uneven, meter := unevenOf(parts), &meter{tasks: t, asOf: q.AsOf, parts: parts, done: map[string]map[quota.Unit]int64{}}
	var out List
	for _, p := range parts {
		if !q.selects(p) || !sight.sees(p.scope) {
			continue
		}
		one := Listed{ID: p.id, Unit: p.unit, Form: p.form, Uneven: q.Set != "" && uneven[p.unit]}
		if one.Progress, err = meter.progress(ctx, p); err != nil {
			return List{}, fmt.Errorf("tasks: %w", err)
		}
		switch {
		case q.RedOnly && (one.Progress == nil || !one.Progress.Red):
		case skip > 0:
			skip--
		case len(out.Parts) == limit:
			out.More = true
		default:
			if one.OnTablet, err = t.onTablet(ctx, p); err != nil {
				return List{}, fmt.Errorf("tasks: %w", err)
			}
			out.Parts = append(out.Parts, one)
		}
		if out.More {
			break
		}
	}
	out.NotCounted = meter.missing
	return out, nil
}

func (q Query) selects(p part) bool {
	return p.unit.Division.Within(q.Division) && (q.Doctor == "" || p.unit.Doctor == q.Doctor) && (q.Depth == 0 || p.unit.Level() <= q.Depth)
}

// unevenOf returns the units whose parts do not add up to what they have.
func unevenOf(parts []part) map[quota.Unit]bool {
	sums, has := map[quota.Unit]int64{}, map[quota.Unit]bool{}
	for _, p := range parts {
		if above, ok := p.unit.Above(); ok {
			sums[above] += int64(p.form.GetQuota().GetQuota())
			has[above] = true
		}
	}
	out := map[quota.Unit]bool{}
	for _, p := range parts {
		out[p.unit] = has[p.unit] && sums[p.unit] != int64(p.form.GetQuota().GetQuota())
	}
	return out
}

// quotaField is the register of a part's number.
const quotaField = 16

func (t *Tasks) onTablet(ctx context.Context, p part) (bool, error) {
	for _, g := range p.shown {
		if g.Path != record.Field(quotaField) || len(g.Siblings) == 0 {
			continue
		}
		cert, err := t.cfg.Records.CertificateOf(ctx, g.Siblings[0].Dot.Replica)
		if syncengine.ReasonOf(err) == syncengine.ReasonNotFound {
			return true, nil
		}
		return cert.Role != segment.RoleCentre, err
	}
	return false, nil
}

// meter asks what is done, once for each indicator and period.
type meter struct {
	tasks   *Tasks
	asOf    care.Date
	parts   []part
	done    map[string]map[quota.Unit]int64 // nil entries: nobody counts it
	missing []string
}

func (m *meter) progress(ctx context.Context, p part) (*quota.Progress, error) {
	season := p.season()
	code, from, to := p.form.GetIndicatorCode(), season.From, season.To
	key := fmt.Sprintf("%s %d %d", code, from, to)
	done, asked := m.done[key]
	if !asked {
		var err error
		if done, err = m.ask(ctx, code, from, to); err != nil {
			return nil, err
		}
		m.done[key] = done
		if done == nil && !slices.Contains(m.missing, code) {
			m.missing = append(m.missing, code)
		}
	}
	if done == nil {
		return nil, nil
	}
	out := season.ProgressOf(int64(p.form.GetQuota().GetQuota()), done[p.unit], 0, m.asOf)
	return &out, nil
}

// ask asks for all parts that the indicator counts in this season.
func (m *meter) ask(ctx context.Context, code string, from, to care.Date) (map[quota.Unit]int64, error) {
	if m.tasks.cfg.Figures == nil {
		return nil, nil
	}
	var units []quota.Unit
	for _, p := range m.parts {
		if s := p.season(); p.form.GetIndicatorCode() == code && s.From == from && s.To == to {
			units = append(units, p.unit)
		}
	}
	done, counted, err := m.tasks.cfg.Figures.Done(ctx, code, from, to, m.asOf, units)
	if err != nil || !counted {
		return nil, err
	}
	return done, nil
}
