// SPDX-License-Identifier: Apache-2.0

package exports

import (
	"encoding/hex"
	"fmt"
	"time"

	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/care/export"
	"github.com/xunzhen/xunzhen/care/indicators"
	"github.com/xunzhen/xunzhen/syncengine"
)

// Completeness says how much of what was saved in the field the centre has.
type Completeness struct {
	Tablets, Heard int    // installations in good standing; those heard of after the last day counted, today or yesterday if that is yet to end
	OldestDays     int    // since the one that was heard of longest ago
	Held           int    // records with a save that is held
	Behind         uint64 // changes that figures do not have yet; of other tables 0
}

// Basis says what a file was made of.
type Basis struct {
	Position syncengine.Position // of the feed: what had come until then is in it
	At       time.Time           // by the centre's clock
	Period   indicators.Period
	AsOf     care.Date // the last day that is counted
	Complete Completeness
	Pack     string // the rule pack's name and edition
}

// head is what stands above the rows of a table.
type head struct {
	title string
	lines []string
}

// shanghai is where the office is; the files' readers need no time zone.
func shanghai(t time.Time) string {
	return t.In(time.FixedZone("", 8*60*60)).Format("2006-01-02 15:04")
}

func headOf(t export.Table, unit string, b Basis, rows int, digest [32]byte) head {
	return head{t.ZH, []string{
		fmt.Sprintf("填报单位：%s    统计期间：%s 至 %s    统计截止：%s    计量单位：%s", unit, b.Period.From, b.Period.To, b.AsOf, t.RowZH),
		fmt.Sprintf("数据截至：位置 %d（%s）    %s    共 %d 行    行摘要 SHA-256：%s", b.Position, shanghai(b.At), b.Complete.words(), rows, hex.EncodeToString(digest[:])),
		fmt.Sprintf("填报人：　　　　　　　　审核人：　　　　　　　　填报日期：%s", care.DateOf(b.At)),
	}}
}

func (c Completeness) words() string {
	out := "尚无平板"
	if c.Tablets > 0 {
		out = fmt.Sprintf("平板 %d 台，统计截止后同步 %d 台（%d%%）", c.Tablets, c.Heard, c.Heard*100/c.Tablets)
	}
	if c.OldestDays > 0 {
		out += fmt.Sprintf("，最久 %d 天未同步", c.OldestDays)
	}
	if c.Held > 0 {
		out += fmt.Sprintf("，%d 条记录有待裁定的保存", c.Held)
	}
	if c.Behind > 0 {
		out += fmt.Sprintf("；指标仍在计算，%d 项变更尚未计入", c.Behind)
	}
	return out
}
