// SPDX-License-Identifier: Apache-2.0

package register

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
	"github.com/xunzhen/xunzhen/syncengine/sqlitestore/sqlitefile"
)

// personsVariable says how many persons the benchmark has; 20,000 without it. 500,000 take some minutes to make.
const personsVariable = "XUNZHEN_REGISTER_PERSONS"

// county is a world of invented people in 300 villages of 15 townships, with the surnames of a county of this country.
func county(b *testing.B, n int) *world {
	b.Helper()
	w := newWorld(b)
	rnd := rand.New(rand.NewPCG(1, 2))
	surnames := []rune("王王王王李李李李张张张刘刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤")
	given := []rune("明小国建文军平志伟东海强晓生光林民金华永红春艳丽玲芳英秀桂兰梅云珍香玉凤霞雪琴洁敏静娟花美娜丹萍红霞燕辉力健永胜学祥才发武新利清飞彬富顺信子杰涛昌成康星光天达安岩中茂进林有坚和彪博诚先敬震振壮会思群豪心邦承乐绍功松善厚庆磊民友裕河哲江超浩亮政谦亨奇固之轮翰朗伯宏言若鸣朋斌梁栋维启克伦翔旭鹏泽晨辰士以建家致树炎德行时泰盛雄琛钧冠策腾")
	for at := 0; at < n; {
		err := w.file.Update(b.Context(), func(conn *sqlite.Conn) error {
			for range min(5000, n-at) {
				name := string(surnames[rnd.IntN(len(surnames))])
				for range 1 + min(1, rnd.IntN(5)) {
					name += string(given[rnd.IntN(len(given))])
				}
				v := at % 300
				r := &carev1.Resident{
					Name: name, Sex: carev1.Sex(1 + rnd.IntN(2)), BirthDate: int32(19300101 + rnd.IntN(95)*10000 + rnd.IntN(12)*100 + rnd.IntN(28)),
					Phone: fmt.Sprintf("13%09d", rnd.IntN(1e9)), DoctorId: fmt.Sprintf("doctor%d", v), ArchiveNumber: fmt.Sprintf("4311%013d", at),
					IdentityDocument: card(fmt.Sprintf("990000%08d%04d", rnd.IntN(1e8), at%10000)),
				}
				if rnd.IntN(6) == 0 {
					r.Tags = map[string]*carev1.PopulationTag{"a": {Code: carev1.PopulationCode(1 + rnd.IntN(8)), Since: 20200101}}
				}
				p := w.of(r, record.Division(fmt.Sprintf("431124%03d%03d", 100+v%15, 200+v)))
				if rnd.IntN(50) == 0 {
					w.event(p, &carev1.VitalEvent{Type: carev1.VitalEventType_VITAL_EVENT_TYPE_DEATH, EventDate: 20250101})
				}
				if err := w.module.Look(conn, p.person(), today); err != nil {
					return err
				}
				at++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return w
}

// What a search costs: each question with how many rows it looked at and found, the longest of its runs beside the mean.
func BenchmarkSearch(b *testing.B) {
	n := 20_000
	if text := os.Getenv(personsVariable); text != "" {
		n, _ = strconv.Atoi(text)
	}
	began := time.Now()
	w := county(b, n)
	b.Logf("%d persons in %v, %.0f a second", n, time.Since(began), float64(n)/time.Since(began).Seconds())
	w.sizes(b)
	from, to := BornBetween(65, -1, today)
	old, older := BornBetween(93, -1, today)
	some := w.forms[record.DerivedID(care.KindResident, nil)]
	for _, some = range w.forms {
		break
	}
	for _, c := range []struct {
		name string
		q    Query
	}{
		{"surname", Query{Name: "王"}},
		{"given name", Query{Name: "国强"}},
		{"whole name", Query{Name: some.GetName()}},
		{"pinyin", Query{Pinyin: "wangguoqiang"}},
		{"pinyin, one letter", Query{Pinyin: "w"}},
		{"initials", Query{Pinyin: "wgq"}},
		{"number", Query{Number: some.GetIdentityDocument().GetNumber()}},
		{"end of a number", Query{Number: "0018"}},
		{"any number", Query{AnyNumber: "5678"}},
		{"telephone", Query{Phone: some.GetPhone()}},
		{"archive", Query{ArchiveNumber: some.GetArchiveNumber()}},
		{"village", Query{Divisions: []record.Division{"431124100200"}}},
		{"surname in a township", Query{Name: "王", Divisions: []record.Division{"431124101"}}},
		{"over 65 in a township", Query{BornFrom: from, BornTo: to, Divisions: []record.Division{"431124101"}}},
		{"hypertension of a doctor", Query{Population: 2, Doctor: "doctor7"}},
		{"men over 93, dead", Query{Sex: 1, BornFrom: old, BornTo: older, Statuses: []Status{Dead}}},
		{"surname, dead, hypertension", Query{Name: "李", Statuses: []Status{Dead}, Population: 2}},
		{"women of a surname in a scope", Query{Name: "张", Sex: 2, Scope: []record.Division{"431124103"}}},
		{"nobody: two rare together", Query{Name: "覃", Pinyin: "wang"}},
		{"nobody: two frequent together", Query{Name: "王", Pinyin: "li"}},
		{"everybody", Query{}},
	} {
		b.Run(c.name, func(b *testing.B) {
			q := c.q
			q.Today, q.Sensitive = today, true
			if q.Scope == nil {
				q.Scope = []record.Division{""}
			}
			var hits []Hit
			var worst time.Duration
			for b.Loop() {
				began := time.Now()
				var err error
				if hits, _, err = w.module.Find(b.Context(), w.file, w.residents, q, Place{}, 100); err != nil {
					b.Fatal(err)
				}
				worst = max(worst, time.Since(began))
			}
			b.ReportMetric(float64(worst.Microseconds())/1000, "worst-ms")
			b.ReportMetric(float64(len(hits)), "hits")
		})
	}
}

// sizes says how many rows the tables have and how large the file is.
func (w *world) sizes(b *testing.B) {
	b.Helper()
	for _, table := range []string{"persons", "tokens", "pinyin", "places"} {
		err := w.file.View(b.Context(), func(conn *sqlite.Conn) error {
			return sqlitefile.Query(conn, "SELECT count(*) FROM register_"+table, nil, func(s *sqlite.Stmt) bool {
				b.Logf("%s: %d rows", table, s.ColumnInt64(0))
				return true
			})
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	info, err := os.Stat(w.file.Path())
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("file: %d MiB, %d bytes a person", info.Size()>>20, info.Size()/int64(len(w.forms)))
}
