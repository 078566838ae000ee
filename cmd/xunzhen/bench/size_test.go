// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"flag"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/cmd/xunzhen/office"
	"github.com/xunzhen/xunzhen/syncengine/record"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	officev1 "github.com/xunzhen/xunzhen/api/xunzhen/office/v1"
)

var bigCounty = flag.String("county", "", "the data folder of a county that a server serves: what people ask of it is measured")

// What a question may take, by the issue that asked for it.
const (
	limitFigure = 300 * time.Millisecond
	limitPage   = 50 * time.Millisecond
	limitSearch = 50 * time.Millisecond
	limitExport = 10 * time.Second
)

// TestQuestionsAtSize asks a running server what the office asks, and prints what each takes
// beside its limit. It is no benchmark of Go's, since the county is made and served apart:
//
//	xunzhen populate big --residents 500000 && xunzhen serve --data big
//	go test ./cmd/xunzhen/bench -run QuestionsAtSize -county "$PWD/big" -v
func TestQuestionsAtSize(t *testing.T) {
	if *bigCounty == "" {
		t.Skip("no county is given")
	}
	running, err := office.ReadServing(*bigCounty)
	if err != nil {
		t.Fatal(err)
	}
	o, err := running.Connect("")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = o.Close() }()
	a := &asking{t: t, o: o}
	a.people()
	a.searches()
	a.export()
	a.figures()
}

type asking struct {
	t *testing.T
	o *office.Office
}

// ask asks a question some times and prints the median and the worst beside the limit; n is how
// many answers there were.
func (a *asking) ask(name string, limit time.Duration, questions []func(context.Context) (n int, err error)) {
	a.t.Helper()
	var took []time.Duration
	answers := 0
	for _, question := range questions {
		began := time.Now()
		n, err := question(a.t.Context())
		if err != nil {
			a.t.Errorf("%s: %v", name, err)
			return
		}
		took, answers = append(took, time.Since(began)), answers+n
	}
	if len(took) == 0 {
		a.t.Logf("%-44s nothing to ask", name)
		return
	}
	slices.Sort(took)
	a.t.Logf("%-44s %4d asked, %6d answers: median %8.1f ms, worst %8.1f ms, limit %d ms", name, len(took), answers,
		ms(took[len(took)/2]), ms(took[len(took)-1]), limit.Milliseconds())
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (a *asking) window() *officev1.Window {
	year := care.DateOf(time.Now()).Year()
	return &officev1.Window{From: int32(year*10000 + 101), To: int32(year*10000 + 1231)}
}

func (a *asking) figures() {
	all, err := a.o.Indicators(a.t.Context())
	if err != nil {
		a.t.Fatal(err)
	}
	var each []func(context.Context) (int, error)
	for _, one := range all {
		each = append(each, a.figure(officev1.AssessedLevel_ASSESSED_LEVEL_COUNTY, one.GetCode()))
	}
	a.ask("one indicator of the county", limitFigure, each)
	a.ask("all indicators of the county", limitFigure, []func(context.Context) (int, error){a.figure(officev1.AssessedLevel_ASSESSED_LEVEL_COUNTY)})
	a.ask("all indicators by township", limitFigure, []func(context.Context) (int, error){a.figure(officev1.AssessedLevel_ASSESSED_LEVEL_TOWNSHIP)})
	a.ask("one indicator by village", limitFigure, []func(context.Context) (int, error){a.figure(officev1.AssessedLevel_ASSESSED_LEVEL_VILLAGE, "H01")})
	var pages []func(context.Context) (int, error)
	for _, code := range []string{"O00", "H01", "D01", "G01"} {
		pages = append(pages, func(ctx context.Context) (int, error) {
			q := &officev1.ListPeopleRequest{
				Shard: a.o.Shard(), PageSize: 100, Selection: officev1.PeopleSelection_PEOPLE_SELECTION_FAILED,
				Query: &officev1.AssessmentQuery{Window: a.window(), Codes: []string{code}},
			}
			people, _, err := a.o.AssessedPeople(ctx, q, 100)
			return len(people), err
		})
	}
	a.ask("100 people who do not count", limitFigure, pages)
}

func (a *asking) figure(level officev1.AssessedLevel, codes ...string) func(context.Context) (int, error) {
	return func(ctx context.Context) (int, error) {
		all, _, err := a.o.Figures(ctx, &officev1.AssessmentQuery{Window: a.window(), Level: level, Codes: codes}, func(uint64, uint64) {})
		return len(all), err
	}
}

// people opens pages of persons, of many records and few.
func (a *asking) people() {
	found, _, _, err := a.o.SearchResidents(a.t.Context(), &officev1.SearchResidentsRequest{Name: "试", Population: carev1.PopulationCode_POPULATION_CODE_AGED}, 40)
	if err != nil {
		a.t.Fatal(err)
	}
	var pages []func(context.Context) (int, error)
	for _, p := range found {
		pages = append(pages, func(ctx context.Context) (int, error) {
			page, _, err := a.o.Person(ctx, record.ID(p.GetPersonId()), nil, 500)
			return len(page.GetRecords()), err
		})
	}
	a.ask("a person's page", limitPage, pages)
}

func (a *asking) searches() {
	for _, row := range []struct {
		name string
		all  []*officev1.SearchResidentsRequest
	}{
		{"search by name", []*officev1.SearchResidentsRequest{{Name: "王试"}, {Name: "李样云"}, {Name: "安国"}, {Name: "张"}, {Name: "欧阳"}}},
		{"search by pinyin", []*officev1.SearchResidentsRequest{{Pinyin: "wangshi"}, {Pinyin: "zsy"}, {Pinyin: "liyangyun"}, {Pinyin: "w"}}},
		{"search by number", []*officev1.SearchResidentsRequest{{Number: "0016"}, {Number: "123X"}, {Number: "990001196001010014"}}},
		{"search by telephone", []*officev1.SearchResidentsRequest{{Phone: "10000000300"}, {Phone: "0300"}}},
		{"search by village", []*officev1.SearchResidentsRequest{{Place: "431124001008"}, {Place: "431124001"}, {Place: "431124001008", Name: "王"}}},
		{"search by several things", []*officev1.SearchResidentsRequest{
			{Place: "431124", AgeFrom: years(65), Population: carev1.PopulationCode_POPULATION_CODE_HYPERTENSION},
			{AgeFrom: years(80), Sex: carev1.Sex_SEX_FEMALE},
			{Name: "王", AgeFrom: years(70)},
		}},
	} {
		var each []func(context.Context) (int, error)
		for _, q := range row.all {
			each = append(each, func(ctx context.Context) (int, error) {
				found, _, _, err := a.o.SearchResidents(ctx, q, 20)
				return len(found), err
			})
		}
		a.ask(row.name, limitSearch, each)
	}
}

func years(n uint32) *uint32 { return &n }

func (a *asking) export() {
	year := care.DateOf(time.Now()).Year()
	a.ask("the register of the aged, .xlsx", limitExport, []func(context.Context) (int, error){func(ctx context.Context) (int, error) {
		report, err := a.o.ExportTable(ctx, &officev1.ExportTableRequest{
			Shard: a.o.Shard(), Name: "checkups", Period: fmt.Sprint(year), Format: officev1.ExportFormat_EXPORT_FORMAT_WORKBOOK,
			Author: "bench", Purpose: "measuring",
		}, io.Discard, func(uint64, uint64) {})
		return int(report.GetRows()), err
	}})
}
