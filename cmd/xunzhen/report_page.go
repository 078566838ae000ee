// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/transport"
)

// reportPage writes the county's report as one page that any browser shows and prints.
type reportPage struct {
	officeFlags
	periodFlag
	Out   string `short:"o" help:"help_report_out" required:"" placeholder:"FILE.html"`
	Force bool   `help:"help_report_force"`
}

//go:embed report_page.html
var pageText string

// pageData is what stands on the page.
type pageData struct {
	Lang, Title, Period, County string
	Basis                       []string
	Tiles                       []pageTile
	Trends                      []pageTrend
	Columns                     []string
	Units                       []pageUnit
	MoreUnits                   string
	Scored                      bool
	Faults                      []pageFault
	Covers                      string
	Complete, Notes             []string
	Words                       map[string]string
}

type pageTile struct {
	Code, Name, Value, Change, Of, Target string
	Bar, TargetAt                         string
	HasBar, HasTarget, Short              bool
}

type pageTrend struct {
	Code, Name string
	Chart      template.HTML
}

type pageUnit struct {
	Rank, Name, Points string
	Cells              []pageCell
	All                bool
}

type pageCell struct {
	Value string
	Short bool
}

type pageFault struct{ Head, Tail string }

// Sizes of the page: what fits on A4.
const (
	pageTiles  = 6
	pageUnits  = 14
	pageFaults = 6
	pageTrends = 6
	quartersIn = 8
)

// headlines are the indicators that a county is asked for first, as far as they have a value.
func headlines() []string {
	return []string{"S03", "O00", "H01", "H02", "D01", "D02", "G01", "G02", "X01", "S02", "M01", "T02"}
}

// Run writes the page.
func (f reportPage) Run(c *call) error {
	p, err := f.read(c)
	if err != nil {
		return err
	}
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if f.Force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	} else if _, err := os.Lstat(f.Out); err == nil {
		return problemf("problem_report_there", f.Out)
	}
	return f.open(c, func(o *office.Office, county office.ServingCounty) error {
		page := pageMaker{c: c, o: o, p: p, county: county.Code}
		if err := c.asking("report_counting", p, page.ask); err != nil {
			return err
		}
		var text bytes.Buffer
		t, err := template.New("page").Parse(pageText)
		if err == nil {
			err = t.Execute(&text, page.data())
		}
		if err != nil {
			return err
		}
		file, err := os.OpenFile(f.Out, flags, 0o644)
		if err != nil {
			return err
		}
		if _, err := file.Write(text.Bytes()); err != nil {
			file.Close() //nolint:errcheck // the write has failed already
			return err
		}
		if err := file.Close(); err != nil {
			return err
		}
		c.line("report_page_written", f.Out)
		return nil
	})
}

// pageMaker asks for what stands on the page, and lays it out.
type pageMaker struct {
	c      *call
	o      *office.Office
	p      indicators.Period
	county string

	k        catalogue
	all      map[string]*officev1.Figure // the county's
	report   *officev1.FiguresReport
	chosen   []string // headlines that have a value
	units    []*officev1.Figure
	names    map[string]string
	quarters []indicators.Period
	trend    map[string][]*int64 // by code, one for each quarter
	scores   []*officev1.UnitScore
	sheet    *officev1.UnitScore // the county's
	late     int
	lateMore bool
}

func (m *pageMaker) query(p indicators.Period, level officev1.AssessedLevel, codes ...string) *officev1.AssessmentQuery {
	return &officev1.AssessmentQuery{Window: wireWindow(p), Level: level, Codes: codes}
}

// ask asks the server.
func (m *pageMaker) ask(progress office.Progress) (err error) {
	const county, township = officev1.AssessedLevel_ASSESSED_LEVEL_COUNTY, officev1.AssessedLevel_ASSESSED_LEVEL_TOWNSHIP
	if m.k, err = catalogueOf(m.c, m.o); err != nil {
		return err
	}
	all, report, err := m.o.Figures(m.c.ctx, m.query(m.p, county), progress)
	if err != nil {
		return err
	}
	m.report, m.all = report, map[string]*officev1.Figure{}
	for _, f := range all {
		m.all[f.GetCode()] = f
	}
	for _, code := range headlines() {
		if f := m.all[code]; f != nil && f.ValueX100 != nil && len(m.chosen) < pageTiles {
			m.chosen = append(m.chosen, code)
		}
	}
	units, r, err := m.o.Figures(m.c.ctx, m.query(m.p, township, m.chosen...), progress)
	if err != nil {
		return err
	}
	m.units, m.names = units, unitsOf(r)
	if m.scores, _, err = m.o.Scores(m.c.ctx, m.query(m.p, township), progress); err != nil {
		return err
	}
	sheets, _, err := m.o.Scores(m.c.ctx, m.query(m.p, county), progress)
	if err != nil {
		return err
	}
	if len(sheets) > 0 {
		m.sheet = sheets[0]
	}
	if err := m.askTrend(progress); err != nil {
		return err
	}
	return m.askLate()
}

// askTrend asks for the last quarters up to the end of the period.
func (m *pageMaker) askTrend(progress office.Progress) error {
	end := min(m.p.To, care.DateOf(m.c.Clock()))
	year, quarter := end.Year(), (end.Month()+2)/3
	for range quartersIn {
		m.quarters = append([]indicators.Period{indicators.Quarter(year, quarter)}, m.quarters...)
		if quarter--; quarter == 0 {
			year, quarter = year-1, 4
		}
	}
	m.trend = map[string][]*int64{}
	for _, q := range m.quarters {
		all, _, err := m.o.Figures(m.c.ctx, m.query(q, officev1.AssessedLevel_ASSESSED_LEVEL_COUNTY, m.chosen...), progress)
		if err != nil {
			return err
		}
		for _, f := range all {
			m.trend[f.GetCode()] = append(m.trend[f.GetCode()], f.ValueX100)
		}
	}
	return nil
}

const mostLateCounted = 2000

// askLate counts what came after the window was frozen, if it is.
func (m *pageMaker) askLate() error {
	late, more, err := m.o.Late(m.c.ctx, wireWindow(m.p), nil, mostLateCounted)
	if r, ok := transport.RefusalOf(err); ok && strings.HasPrefix(r.Text, "not_frozen: ") {
		return nil
	}
	m.late, m.lateMore = len(late), more
	return err
}

// data lays the page out.
func (m *pageMaker) data() pageData {
	say := m.c.say
	d := pageData{
		Lang: string(m.c.words.Language()), Title: say("page_title"), Period: m.p.String(), County: m.countyName(), Words: map[string]string{},
		Covers: hundredthsOf(m.report.GetCompleteness().GetCoversPermille()),
	}
	for _, key := range []string{"target", "trend", "trendNote", "units", "unitsNote", "unit", "points", "faults", "noFaults", "complete"} {
		d.Words[key] = say("page_" + key)
	}
	m.basis(&d)
	for _, code := range m.chosen {
		d.Tiles = append(d.Tiles, m.tile(code))
		if points := m.trend[code]; len(d.Trends) < pageTrends && drawable(points) {
			d.Trends = append(d.Trends, pageTrend{code, m.k.title(m.c, code), m.chart(points)})
		}
		d.Columns = append(d.Columns, code)
	}
	m.rows(&d)
	m.faults(&d)
	m.complete(&d)
	return d
}

func (m *pageMaker) countyName() string {
	if name := m.names[m.county+" "]; name != "" {
		return name
	}
	for _, u := range m.report.GetUnits() {
		if u.GetDivision() == m.county && u.GetName() != "" {
			return u.GetName()
		}
	}
	return m.county
}

func (m *pageMaker) basis(d *pageData) {
	b := m.report.GetBasis()
	if len(b.GetFreeze()) > 0 {
		d.Basis = append(d.Basis, m.c.say("page_frozen", minute(time.UnixMilli(b.GetFrozenAtMs()))))
	} else {
		d.Basis = append(d.Basis, m.c.say("page_as_of", care.Date(b.GetAsOf()).String()))
	}
	d.Basis = append(d.Basis, m.c.say("page_position", b.GetPosition(), strings.TrimSpace(b.GetPackName()+" "+b.GetPackVersion())))
	d.Notes = []string{m.c.say("page_note_value"), m.c.say("page_note_made", minute(m.c.Clock()))}
}

func (m *pageMaker) tile(code string) pageTile {
	f := m.all[code]
	t := pageTile{
		Code: code, Name: m.k.title(m.c, code), Value: m.k.value(code, f.ValueX100), Of: m.k.of(f), Short: f.TargetX100 != nil && !f.GetMeets(), HasTarget: f.TargetX100 != nil,
	}
	if change := m.k.change(code, f); change != "" && change != "=" {
		t.Change = change
	}
	if m.k.miniature(code, f.ValueX100) != "" {
		t.HasBar, t.Bar = true, percent(f.GetValueX100())
	}
	if t.HasTarget {
		t.Target, t.TargetAt = m.k.value(code, f.TargetX100), percent(f.GetTargetX100())
	}
	return t
}

// percent writes hundredths of a percent for a style, from 0 to 100.
func percent(n int64) string { return hundredths(max(0, min(n, 100_00))) }

func drawable(points []*int64) bool {
	n := 0
	for _, p := range points {
		if p != nil {
			n++
		}
	}
	return n >= 2
}

// chart draws values of quarters as a line, the last one with its number. A few lines of own
// SVG stay sharp on paper, weigh a kilobyte, and need no network; a chart library weighs a megabyte.
func (m *pageMaker) chart(points []*int64) template.HTML {
	const width, height, left, right, top, bottom = 240.0, 64.0, 12.0, 36.0, 10.0, 14.0
	low, high := int64(100_00), int64(0)
	for _, p := range points {
		if p != nil {
			low, high = min(low, *p), max(high, *p)
		}
	}
	room := max((high-low)/4, 1_00)
	low, high = max(low-room, 0), high+room
	x := func(i int) float64 { return left + float64(i)*(width-left-right)/float64(max(len(points)-1, 1)) }
	y := func(v int64) float64 {
		return top + (height-top-bottom)*(1-float64(v-low)/float64(max(high-low, 1)))
	}
	var b, line strings.Builder
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" preserveAspectRatio="none">`, width, height)
	fmt.Fprintf(&b, `<line x1="%g" y1="%g" x2="%g" y2="%g" stroke="#c9d3da" stroke-width="1"/>`, left, height-bottom, width-right, height-bottom)
	last := -1
	for i, p := range points {
		if i%4 == 0 || i == len(points)-1 {
			fmt.Fprintf(&b, `<text x="%.1f" y="%g" font-size="9" fill="#6b7b87" text-anchor="middle">%s</text>`, x(i), height-3, m.quarterName(i))
		}
		if p == nil {
			continue
		}
		fmt.Fprintf(&line, "%.1f,%.1f ", x(i), y(*p))
		fmt.Fprintf(&b, `<circle cx="%.1f" cy="%.1f" r="2" fill="#2f6f8f"/>`, x(i), y(*p))
		last = i
	}
	fmt.Fprintf(&b, `<polyline points="%s" fill="none" stroke="#2f6f8f" stroke-width="1.6"/>`, strings.TrimSpace(line.String()))
	if last >= 0 {
		fmt.Fprintf(&b, `<text x="%.1f" y="%.1f" font-size="11" font-weight="600" fill="#1d2b36">%d.%d</text>`, x(last)+5, y(*points[last])+4, (*points[last]+5)/100, (*points[last]+5)/10%10)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // numbers and names of quarters only
}

func (m *pageMaker) quarterName(i int) string {
	q := m.quarters[i]
	return fmt.Sprintf("%02dQ%d", q.From.Year()%100, (q.From.Month()+2)/3)
}

// rows makes the table of units: the best first, by points where there are targets.
func (m *pageMaker) rows(d *pageData) {
	cells := map[string]map[string]*officev1.Figure{}
	for _, f := range m.units {
		if cells[f.GetDivision()] == nil {
			cells[f.GetDivision()] = map[string]*officev1.Figure{}
		}
		cells[f.GetDivision()][f.GetCode()] = f
	}
	var order []string
	for _, s := range m.scores {
		d.Scored = d.Scored || len(s.GetLines()) > 0
		if cells[s.GetDivision()] != nil && len(s.GetDivision()) == int(care.LevelTownship) {
			order = append(order, s.GetDivision())
		}
	}
	if !d.Scored {
		slices.SortStableFunc(order, func(a, b string) int { return ranks(cells[a]) - ranks(cells[b]) })
	}
	for i, division := range order {
		if i == pageUnits && len(order) > pageUnits+1 {
			d.MoreUnits = m.c.say("page_more_units", len(order)-pageUnits)
			break
		}
		d.Units = append(d.Units, m.row(fmt.Sprint(i+1), m.unitName(division), division, cells[division]))
	}
	county := m.row("", m.countyName(), m.county, m.all)
	county.All = true
	d.Units = append(d.Units, county)
}

// ranks adds up the places of a unit.
func ranks(f map[string]*officev1.Figure) (sum int) {
	for _, one := range f {
		sum += int(one.GetRank())
	}
	return sum
}

func (m *pageMaker) unitName(division string) string {
	if name := m.names[division+" "]; name != "" {
		return name
	}
	return division
}

func (m *pageMaker) row(rank, name, division string, f map[string]*officev1.Figure) pageUnit {
	u := pageUnit{Rank: rank, Name: name}
	for _, code := range m.chosen {
		cell := pageCell{Value: "–"}
		if one := f[code]; one != nil {
			cell = pageCell{m.k.value(code, one.ValueX100), one.TargetX100 != nil && !one.GetMeets()}
		}
		u.Cells = append(u.Cells, cell)
	}
	for _, s := range append(m.scores, m.sheet) {
		if s.GetDivision() == division {
			u.Points = hundredths(s.GetTotalX100()) + " / " + hundredths(s.GetFullX100())
		}
	}
	return u
}

// faults names what costs the county most points, and who.
func (m *pageMaker) faults(d *pageData) {
	lines := slices.Clone(m.sheet.GetLines())
	slices.SortStableFunc(lines, func(a, b *officev1.ScoreLine) int { return int(b.GetLostX100() - a.GetLostX100()) })
	for _, l := range lines {
		if l.GetLostX100() <= 0 || len(d.Faults) == pageFaults {
			break
		}
		name := l.GetTitle()
		if l.GetCode() != "" {
			name = l.GetCode() + " " + m.k.title(m.c, l.GetCode())
		}
		l.LostBy = l.LostBy[:min(len(l.LostBy), 2)]
		d.Faults = append(d.Faults, pageFault{m.c.say("page_lost", name, hundredths(l.GetLostX100())), whyLost(m.c, m.k, l)})
	}
	for _, code := range slices.Sorted(maps.Keys(m.all)) {
		if f := m.all[code]; f.GetAboveAll() && len(d.Faults) < pageFaults {
			d.Faults = append(d.Faults, pageFault{f.GetCode() + " " + m.k.title(m.c, f.GetCode()), m.c.say("report_above_all")})
		}
	}
	m.weakest(d)
}

// weakest names the last unit of each headline that no target speaks of.
func (m *pageMaker) weakest(d *pageData) {
	for _, code := range m.chosen {
		if m.all[code].TargetX100 != nil {
			continue
		}
		var last *officev1.Figure
		for _, f := range m.units {
			if f.GetCode() == code && f.GetRank() > 0 && (last == nil || f.GetRank() > last.GetRank()) && f.GetRank() > 1 {
				last = f
			}
		}
		if last != nil && len(d.Faults) < pageFaults {
			d.Faults = append(d.Faults, pageFault{code + " " + m.k.title(m.c, code), m.c.say("page_weakest", m.unitName(last.GetDivision()), m.k.value(code, last.ValueX100))})
		}
	}
}

func (m *pageMaker) complete(d *pageData) {
	w := m.report.GetCompleteness()
	d.Complete = append(d.Complete, m.c.say("page_covers", hundredthsOf(w.GetCoversPermille()), w.GetHeard(), w.GetTablets()), m.c.say("page_oldest", w.GetOldestSyncDays()),
		m.c.say("page_held", w.GetHeldSaves()))
	if w.GetBehind() > 0 {
		d.Complete = append(d.Complete, m.c.say("report_behind", w.GetBehind()))
	}
	if len(m.report.GetBasis().GetFreeze()) > 0 {
		n := grouped(int64(m.late))
		if m.lateMore {
			n += "+"
		}
		d.Complete = append(d.Complete, m.c.say("page_late", n))
	} else {
		d.Complete = append(d.Complete, m.c.say("page_not_frozen"))
	}
}
