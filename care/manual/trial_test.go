// SPDX-License-Identifier: Apache-2.0

package manual

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
)

// A kind that only these tests have shows every option that a form can have, once.
const trialFile = `
name: "trial/v1/trial.proto" package: "trial.v1" syntax: "proto3"
dependency: "xunzhen/schema/v1/options.proto"
message_type {
  name: "Trial"
  options { [xunzhen.schema.v1.kind] {
    number: 4000 zh: "试验" en: "trial" privacy_class: PRIVACY_CLASS_SENSITIVE subject: SUBJECT_NONE office_only: true
    sections { name: "head" zh: "开头" en: "head" }
    sections { name: "empty" zh: "空" en: "empty" }
    sections { name: "body" zh: "正文" en: "body" }
  } }
  field { name: "seen_on" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] {
    zh: "日期" en: "day" format: FORMAT_CIVIL_DATE requirement: REQUIREMENT_REQUIRED hard { min: 19000101 } section: "head" } } }
  field { name: "weight_kg_x10" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] {
    zh: "体重" en: "weight" unit: "kg" decimals: 1 hard { min: 200 max: 2500 } warn { min: 350 max: 1200 } confirmable: true data_element: "DE00" section: "body" } } }
  field { name: "index_x100" number: 3 type: TYPE_INT64 label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] {
    zh: "指数" en: "index" unit: "/day" decimals: 2 hard { max: -5 } derived_from: "weight_kg_x10" derived_from: "seen_on" } } }
  field { name: "mood" number: 4 type: TYPE_ENUM type_name: ".trial.v1.Mood" label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] {
    zh: "心情" en: "mood" requirement: REQUIREMENT_CONDITIONAL required_when { field: "weight_kg_x10" } required_when { field: "seen_on" not: true } } } }
  field { name: "moods" number: 5 type: TYPE_ENUM type_name: ".trial.v1.Mood" label: LABEL_REPEATED options { [xunzhen.schema.v1.field] {
    zh: "各种心情" en: "moods" requirement: REQUIREMENT_CONDITIONAL required_when { field: "mood" codes: 1 codes: 10 } required_when { field: "mood" codes: 2 codes: 77 not: true } max_entries: 4 } } }
  field { name: "note" number: 6 type: TYPE_STRING label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] {
    zh: "备注" en: "note" max_characters: 20 personal: true requirement: REQUIREMENT_CONDITIONAL
    required_for: POPULATION_AGED_65_AND_OVER required_for: POPULATION_RURAL required_for: POPULATION_FEMALE required_for: POPULATION_MALE } } }
  field { name: "visits" number: 7 type: TYPE_MESSAGE type_name: ".trial.v1.Trial.VisitsEntry" label: LABEL_REPEATED options { [xunzhen.schema.v1.field] {
    zh: "访视" en: "visits" max_entries: 2 } } }
  field { name: "part" number: 8 type: TYPE_MESSAGE type_name: ".trial.v1.Part" label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] {
    zh: "部分" en: "part" merge: MERGE_POLICY_FIELDS } } }
  field { name: "phone" number: 9 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 options { [xunzhen.schema.v1.field] { zh: "电话" en: "telephone" format: FORMAT_PHONE } } }
  field { name: "letter" number: 10 type: TYPE_STRING label: LABEL_OPTIONAL oneof_index: 0 options { [xunzhen.schema.v1.field] { zh: "信件" en: "letter" } } }
  oneof_decl { name: "answer" }
  field { name: "colour" number: 11 type: TYPE_ENUM type_name: ".trial.v1.Colour" label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "颜色" en: "colour" } } }
  field { name: "well" number: 12 type: TYPE_BOOL label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "好" en: "well" } } }
  field { name: "other_id" number: 13 type: TYPE_BYTES label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "另一条" en: "other" format: FORMAT_RECORD_ID } } }
  field { name: "words" number: 14 type: TYPE_STRING label: LABEL_REPEATED options { [xunzhen.schema.v1.field] { zh: "词" en: "words" } } }
  field { name: "staff_id" number: 15 type: TYPE_STRING label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "人员" en: "staff" format: FORMAT_STAFF_ID } } }
  field { name: "division" number: 16 type: TYPE_STRING label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "区划" en: "division" format: FORMAT_DIVISION } } }
  field { name: "card" number: 17 type: TYPE_STRING label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "证件" en: "card" format: FORMAT_ID_NUMBER } } }
  field { name: "at_ms" number: 18 type: TYPE_INT64 label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "时刻" en: "instant" format: FORMAT_INSTANT_MS } } }
  field { name: "times" number: 19 type: TYPE_INT32 label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "次数" en: "times" format: FORMAT_COUNT warn { min: 0 } } } }
  field { name: "score_x10" number: 20 type: TYPE_INT32 label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "得分" en: "score" format: FORMAT_SCORE decimals: 1 } } }
  field { name: "hash" number: 21 type: TYPE_BYTES label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "哈希" en: "hash" } } }
  field { name: "late" number: 22 type: TYPE_STRING label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "后来" en: "late" order: 1 } } }
  nested_type { name: "VisitsEntry" options { map_entry: true }
    field { name: "key" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
    field { name: "value" number: 2 type: TYPE_MESSAGE type_name: ".trial.v1.Visit" label: LABEL_OPTIONAL } }
}
message_type {
  name: "Visit" options { [xunzhen.schema.v1.entry] { keys: "1" keys: "2" } }
  field { name: "place" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "地点" en: "place" requirement: REQUIREMENT_REQUIRED } } }
  field { name: "again" number: 2 type: TYPE_MESSAGE type_name: ".trial.v1.Visit" label: LABEL_REPEATED options { [xunzhen.schema.v1.field] { zh: "再访" en: "again" } } }
}
message_type {
  name: "Part"
  field { name: "size" number: 1 type: TYPE_MESSAGE type_name: ".trial.v1.Size" label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "大小" en: "size" required_parts: "long" } } }
  field { name: "text" number: 2 type: TYPE_STRING label: LABEL_OPTIONAL }
}
message_type {
  name: "Size"
  field { name: "long" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "长" en: "length" unit: "cm" } } }
  field { name: "wide" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL options { [xunzhen.schema.v1.field] { zh: "宽" en: "width" unit: "cm" } } }
}
enum_type { name: "Mood"
  value { name: "MOOD_UNSPECIFIED" number: 0 }
  value { name: "MOOD_NONE" number: 1 options { [xunzhen.schema.v1.code] { zh: "无" en: "none" exclusive: true } } }
  value { name: "MOOD_GOOD" number: 2 options { [xunzhen.schema.v1.code] { zh: "好" en: "good" code: "02" } } }
  value { name: "MOOD_UNKNOWN" number: 10 options { [xunzhen.schema.v1.code] { zh: "不详" en: "unknown" code: "0" } } }
}
enum_type { name: "Colour"
  value { name: "COLOUR_UNSPECIFIED" number: 0 }
  value { name: "COLOUR_A" number: 1 } value { name: "COLOUR_B" number: 2 } value { name: "COLOUR_C" number: 3 } value { name: "COLOUR_D" number: 4 }
  value { name: "COLOUR_E" number: 5 } value { name: "COLOUR_F" number: 6 } value { name: "COLOUR_G" number: 7 } value { name: "COLOUR_H" number: 8 }
  value { name: "COLOUR_I" number: 9 } value { name: "COLOUR_J" number: 10 } value { name: "COLOUR_K" number: 11 } value { name: "COLOUR_L" number: 12 }
  value { name: "COLOUR_M" number: 13 } value { name: "COLOUR_N" number: 14 } value { name: "COLOUR_O" number: 15 } value { name: "COLOUR_P" number: 16 }
}
`

const trialPack = `
name: "trial" version: "1"
thresholds { id: "heavy_x10" zh: "重" en: "heavy" unit: "kg" decimals: 1 number: 995 strength: STRENGTH_HARD source { document: "甲" section: "1" mark: SOURCE_MARK_CONFIRMED } }
thresholds { id: "steps" zh: "步" en: "steps" unit: "d" numbers { values: 7 values: 14 } strength: STRENGTH_WARN source { document: "甲" section: "2" mark: SOURCE_MARK_KNOWN } }
thresholds { id: "pattern" zh: "样式" en: "pattern" text: "a|b" strength: STRENGTH_SUSPICION source { document: "甲" section: "3" mark: SOURCE_MARK_PROPOSED } }
thresholds { id: "wait_ms" zh: "等" en: "wait" unit: "ms" number: 5400000 strength: STRENGTH_WARN source { document: "甲" section: "4" mark: SOURCE_MARK_KNOWN } }
definitions { id: "heavy" kinds: "trial" expression: "r.weight_kg_x10 > t.heavy_x10" }
definitions { id: "very" kinds: "trial" expression: "d.heavy && r.part.size.long > 3" }
rules { id: "T01" severity: SEVERITY_ERROR check: SCHEMA_CHECK_REQUIRED zh: "{field}未填" en: "{field} is empty" source { document: "甲" section: "5" mark: SOURCE_MARK_KNOWN } }
rules { id: "T02" kinds: "trial" severity: SEVERITY_WARNING when: "d.very && r.note != 'r.mood'" values { id: "w" expression: "r.weight_kg_x10" } zh: "体重 {w} 超过 {t.heavy_x10}" en: "weight {w} above {t.heavy_x10}" paths: "visits" source { document: "甲" section: "6" mark: SOURCE_MARK_KNOWN } }
rules { id: "T03" kinds: "trial" kinds: "nothing" severity: SEVERITY_SUSPICION off: true when: "r.visits.exists(k, r.visits[k].place == '') || previous.times > 1 || records.trial.size() > 2" zh: "疑" en: "odd" source { document: "甲" section: "7" mark: SOURCE_MARK_PROPOSED } }
proposals { id: "P01" kind: "trial" path: "times" when: "true" value: "1" zh: "理由" en: "reason" source { document: "甲" section: "8" mark: SOURCE_MARK_KNOWN } }
populations { id: "E01" population: POPULATION_CODE_AGED when: "person.age_years >= 65 && records.trial.size() > 0" zh: "老" en: "old" source { document: "甲" section: "9" mark: SOURCE_MARK_KNOWN } }
due { id: "D01" kind: "trial" when: "true" due_on: "add_days(as_of, t.steps[0])" grace_days: "3" ahead_days: "4" zh: "该做" en: "to do" source { document: "甲" section: "10" mark: SOURCE_MARK_KNOWN } }
`

// trial returns the pages of the kind by path. Each pair replaces a text in its source.
func trial(t *testing.T, replace ...string) map[string]string {
	t.Helper()
	source := strings.NewReplacer(replace...)
	var file descriptorpb.FileDescriptorProto
	if err := prototext.Unmarshal([]byte(source.Replace(trialFile)), &file); err != nil {
		t.Fatal(err)
	}
	desc, err := protodesc.NewFile(&file, protoregistry.GlobalFiles)
	if err != nil {
		t.Fatal(err)
	}
	var pack carev1.RulePackContent
	if err := prototext.Unmarshal([]byte(source.Replace(trialPack)), &pack); err != nil {
		t.Fatal(err)
	}
	comments := Comments{"trial.v1.Trial": "A *trial*.", "trial.v1.Trial.note": "Whatever | there is.", "trial.v1.Mood": "How one feels."}
	out := map[string]string{}
	for _, p := range Pages([]Kind{{"trial", desc.Messages().ByName("Trial")}}, &pack, comments) {
		out[p.Path] = p.Text
	}
	return out
}

func TestEveryOptionOfAFieldIsOnItsPage(t *testing.T) {
	zh, en := trial(t)["kinds/zh/trial.md"], trial(t)["kinds/en/trial.md"]
	for name, c := range map[string]struct{ zh, en string }{
		"a date from a day on": {
			"| `1` | 日期<br>`seen_on` | 日期 `yyyymmdd`；可能 ≥ 1900-01-01 | 必填 |  |",
			"| `1` | day<br>`seen_on` | date `yyyymmdd`; possible ≥ 1900-01-01 | always |  |",
		},
		"unit, decimals, both ranges and data element": {
			"| `2` | 体重<br>`weight_kg_x10` | 数字，kg，1 位小数（存为 ×10）；常见 35.0～120.0；可能 20.0～250.0，超出须确认 |  | 数据元 DE00<br>规则：[T02](../../rules.zh.md#t02) |",
			"| `2` | weight<br>`weight_kg_x10` | number, kg, 1 decimal (stored ×10); usual 35.0 to 120.0; possible 20.0 to 250.0, beyond it to be confirmed |  | data element DE00<br>rules: [T02](../../rules.en.md#t02) |",
		},
		"an upper bound below zero, and what it is computed from": {
			"| `3` | 指数<br>`index_x100` | 数字，每天，2 位小数（存为 ×100）；可能 ≤ -0.05 |  | 由以下各项算出：体重、日期 |",
			"| `3` | index<br>`index_x100` | number, per day, 2 decimals (stored ×100); possible ≤ -0.05 |  | computed from: weight, day |",
		},
		"a choice with national codes, wanted where others are filled or empty": {
			"| `4` | 心情<br>`mood` | 单选：1 无、02 好、0 不详 | “体重”已填时；或“日期”未填时 |  |",
			"| `4` | mood<br>`mood` | one of 1 none, 02 good, 0 unknown | if “weight” is filled; or if “day” is empty |  |",
		},
		"several choices, wanted with codes or with others than codes": {
			"| `5` | 各种心情<br>`moods` | 多选：1 无、02 好、0 不详；至多 4 条 | “心情”为 1 无 或 0 不详 时；或“心情”已填且不含 02 好 或 77 时 |  |",
			"| `5` | moods<br>`moods` | any of 1 none, 02 good, 0 unknown; at most 4 entries | if “mood” is 1 none or 0 unknown; or if “mood” is filled with other than 02 good or 77 |  |",
		},
		"a personal text for some people, with its comment in English": {
			"| `6` | 备注<br>`note` | 文本；至多 20 字 | 65 岁及以上者；或农村居民；或女性；或男性 | 个人信息<br>规则：[T02](../../rules.zh.md#t02) |",
			`| ` + "`6` | note<br>`note`" + ` | text; at most 20 characters | for people of 65 and over; or for people in the countryside; or for women; or for men | Whatever \| there is.<br>personal<br>rules: [T02](../../rules.en.md#t02) |`,
		},
		"entries with fixed keys": {
			"| `7[key]` | 访视<br>`visits[key]` | 列表，每条有自己的键：`1`、`2`；至多 2 条 |  | 规则：[T02](../../rules.zh.md#t02)、[T03](../../rules.zh.md#t03) |",
			"| `7[key]` | visits<br>`visits[key]` | entries, each with a key of its own: `1`, `2`; at most 2 entries |  | rules: [T02](../../rules.en.md#t02), [T03](../../rules.en.md#t03) |",
		},
		"a part of an entry": {
			"|  | └ 地点<br>`visits[key].place` | 文本 | 必填 | 规则：[T03](../../rules.zh.md#t03) |",
			"|  | └ place<br>`visits[key].place` | text | always | rules: [T03](../../rules.en.md#t03) |",
		},
		"a message in itself, once": {
			"|  | └ 再访<br>`visits[key].again[]` | 列表 |  |  |\n|  | **部分**",
			"|  | └ again<br>`visits[key].again[]` | a list |  |  |\n|  | **part**",
		},
		"a section whose fields merge one by one": {
			"|  | **部分**<br>`part` | 一节 |  | 各项分别合并 |",
			"|  | **part**<br>`part` | a section |  | its fields merge one by one |",
		},
		"a register of a section": {
			"| `8.1` | └ 大小<br>`part.size` | 一组 |  |  |",
			"| `8.1` | └ size<br>`part.size` | a group |  |  |",
		},
		"a part that the field around it wants": {
			"|  | &nbsp;&nbsp;└ 长<br>`part.size.long` | 数字，cm | 必填 | 规则：[T02](../../rules.zh.md#t02) |\n|  | &nbsp;&nbsp;└ 宽<br>`part.size.wide` | 数字，cm |  |  |",
			"|  | &nbsp;&nbsp;└ length<br>`part.size.long` | number, cm | always | rules: [T02](../../rules.en.md#t02) |\n|  | &nbsp;&nbsp;└ width<br>`part.size.wide` | number, cm |  |  |",
		},
		"a field without options by its name": {"| `8.2` | └ text<br>`part.text` | 文本 |  |  |", "| `8.2` | └ text<br>`part.text` | text |  |  |"},
		"members of a oneof in one register": {
			"| `9` | 电话<br>`phone` | 电话号码 |  | 只填其一：电话、信件 |\n| `9` | 信件<br>`letter` | 文本 |  | 只填其一：电话、信件 |",
			"| `9` | telephone<br>`phone` | telephone number |  | only one of: telephone, letter |\n| `9` | letter<br>`letter` | text |  | only one of: telephone, letter |",
		},
		"a long list of codes by a link":    {"| 单选：[`Colour`](#代码-colour)（16 项） |", "| one of [`Colour`](#codes-of-colour) (16 codes) |"},
		"a truth value":                     {"| 是或否 |", "| yes or no |"},
		"the id of a record":                {"| 另一条记录的编号，16 字节 |", "| id of another record, 16 bytes |"},
		"several texts":                     {"| 文本，可多个 |", "| text, several |"},
		"a member of staff":                 {"| 工作人员编号 |", "| id of a member of staff |"},
		"a division":                        {"| 12 位区划代码 |", "| division code of 12 digits |"},
		"the number of a document":          {"| 证件号码 |", "| number of a document |"},
		"an instant":                        {"| 时刻，1970 年起的毫秒数（UTC） |", "| instant, milliseconds since 1970 (UTC) |"},
		"a count that is proposed and read": {"| 个数；常见 ≥ 0 |  | 规则：[T03](../../rules.zh.md#t03)、[P01](../../rules.zh.md#p01) |", "| count; usual ≥ 0 |  | rules: [T03](../../rules.en.md#t03), [P01](../../rules.en.md#p01) |"},
		"points":                            {"| 分值，1 位小数（存为 ×10） |", "| points, 1 decimal (stored ×10) |"},
		"bytes":                             {"| 字节 |", "| bytes |"},
		"a field put behind an earlier one": {"`seen_on` | 日期 `yyyymmdd`；可能 ≥ 1900-01-01 | 必填 |  |\n| `22` | 后来", "`seen_on` | date `yyyymmdd`; possible ≥ 1900-01-01 | always |  |\n| `22` | late"},
		"a code with its stored number":     {"| 02 | 好 | 2 | `MOOD_GOOD` |", "| 02 | good | 2 | `MOOD_GOOD` |"},
		"a code that stands alone":          {"| 1 | 无（只能单独选） | 1 | `MOOD_NONE` |", "| 1 | none (stands alone) | 1 | `MOOD_NONE` |"},
		"who uses a list, and its comment":  {"### 代码 Mood\n\n用于：心情、各种心情\n\n| ", "### Codes of Mood\n\nHow one feels. Used by: mood, moods\n\n| "},
		"a long list folded":                {"### 代码 Colour\n\n用于：颜色\n\n<details><summary>16 项</summary>\n\n| ", "### Codes of Colour\n\nUsed by: colour\n\n<details><summary>16 codes</summary>\n\n| "},
		"the kind with its number":          {"# 试验（4000）\n", "# Trial (4000)\n"},
		"who receives it":                   {"- 保密级别：敏感，只发给获准接收敏感记录的设备", "- Privacy class: sensitive, only devices that may have sensitive records receive it"},
		"that only the centre saves it":     {"- 保存：只由中心保存，平板的保存会被搁置\n", "- Saved by: the centre only; what a tablet saves is held\n"},
		"sections that have fields":         {"- 章节：[开头](#开头) · [正文](#正文)\n", "- Sections: [Head](#head) · [Body](#body)\n"},
		"the built-in checks":               {"内置检查：[T01](../../rules.zh.md#t01)\n", "Built-in checks look at every field: [T01](../../rules.en.md#t01)\n"},
		"what a rule says":                  {"| [T02](../../rules.zh.md#t02) | 警示 | 体重 {w} 超过 99.5 |", "| [T02](../../rules.en.md#t02) | Warning | weight {w} above 99.5 |"},
		"a rule that is not in use":         {"| 疑点（停用） | 疑 |", "| Suspicion (not in use) | odd |"},
		"what is offered":                   {"| [P01](../../rules.zh.md#p01) | 次数 `times` | 理由 |", "| [P01](../../rules.en.md#p01) | times `times` | reason |"},
		"what is due":                       {"| [D01](../../rules.zh.md#d01) | 该做 |", "| [D01](../../rules.en.md#d01) | to do |"},
		"rows that read it from elsewhere":  {"其他规则也读取本表：[T03](../../rules.zh.md#t03)、[E01](../../rules.zh.md#e01)\n", "Other rows read these forms, too: [T03](../../rules.en.md#t03), [E01](../../rules.en.md#e01)\n"},
	} {
		if !strings.Contains(zh, c.zh) {
			t.Errorf("%s: not on the Chinese page:\n%s", name, c.zh)
		}
		if !strings.Contains(en, c.en) {
			t.Errorf("%s: not on the English page:\n%s", name, c.en)
		}
	}
	if strings.Contains(zh, "Whatever") || strings.Contains(zh, "feels") {
		t.Error("an English comment stands on a Chinese page")
	}
	if !strings.Contains(en, "\nA \\*trial\\*.\n") {
		t.Error("the comment of the kind is missing")
	}
}

func TestARowOfThePackIsOnThePageOfRules(t *testing.T) {
	pages := trial(t)
	for name, c := range map[string]struct{ zh, en string }{
		"a threshold with its unit and who uses it": {
			"| <a id=\"t-heavy_x10\"></a>重<br>`t.heavy_x10` | 99.5 kg | 必须 | 甲，1（已核实） | [T02](#t02) |",
			"| <a id=\"t-heavy_x10\"></a>heavy<br>`t.heavy_x10` | 99.5 kg | binding | 甲, 1 (confirmed) | [T02](#t02) |",
		},
		"a threshold of several numbers": {"| 7, 14 天 | 可由人判断 | 甲，2（据实践） | [D01](#d01) |", "| 7, 14 days | a person may decide | 甲, 2 (known from practice) | [D01](#d01) |"},
		"a threshold that is a text":     {"| <code>a\\|b</code> | 仅提示 | 甲，3（本项目提出） |  |", "| <code>a\\|b</code> | draws attention only | 甲, 3 (proposed here) |  |"},
		"a long time in words":           {"| 5400000 毫秒（90 分钟） |", "| 5400000 ms (90 minutes) |"},
		"a check":                        {"### T01\n\n**错误**：表单要求填写的项目为空\n\n> {field}未填\n", "### T01\n\n**Error**: what the form wants filled is empty\n\n> {field} is empty\n"},
		"a rule with its expressions": {
			"#### T02\n\n**警示** · [试验](kinds/zh/trial.md) · 访视 `visits`\n\n> 体重 {w} 超过 99.5\n\n```\nwhen: d.very && r.note != 'r.mood'\n{w}: r.weight_kg_x10\n```\n\n- 阈值：[重](#t-heavy_x10) 99.5 kg\n- 来源：甲，6（据实践）\n",
			"#### T02\n\n**Warning** · [trial](kinds/en/trial.md) · visits `visits`\n\n> weight {w} above 99.5\n\n```\nwhen: d.very && r.note != 'r.mood'\n{w}: r.weight_kg_x10\n```\n\n- Thresholds: [heavy](#t-heavy_x10) 99.5 kg\n- Source: 甲, 6 (known from practice)\n",
		},
		"a rule of several kinds, not in use": {"### 发现：多个表种\n\n#### T03\n\n**疑点**（停用） · [试验](kinds/zh/trial.md)、`nothing`\n", "### Findings: several kinds\n\n#### T03\n\n**Suspicion** (not in use) · [trial](kinds/en/trial.md), `nothing`\n"},
		"a proposal":                          {"#### P01\n\n**提议** · [试验](kinds/zh/trial.md) · 次数 `times`\n\n> 理由\n\n```\nwhen: true\nvalue: 1\n```\n", "#### P01\n\n**Offers** · [trial](kinds/en/trial.md) · times `times`\n\n> reason\n\n```\nwhen: true\nvalue: 1\n```\n"},
		"a population":                        {"#### E01\n\n**人群 " + tag(chinese) + "**\n\n> 老\n", "#### E01\n\n**Population " + tag(english) + "**\n\n> old\n"},
		"a due row":                           {"```\nwhen: true\ndue_on: add_days(as_of, t.steps[0])\ngrace_days: 3\nahead_days: 4\n```", "```\nwhen: true\ndue_on: add_days(as_of, t.steps[0])\ngrace_days: 3\nahead_days: 4\n```"},
		"definitions of a kind":               {"[试验](kinds/zh/trial.md)\n\n```\nd.heavy = r.weight_kg_x10 > t.heavy_x10\nd.very = d.heavy && r.part.size.long > 3\n```", "[trial](kinds/en/trial.md)\n\n```\nd.heavy = r.weight_kg_x10 > t.heavy_x10\nd.very = d.heavy && r.part.size.long > 3\n```"},
	} {
		if !strings.Contains(pages["rules.zh.md"], c.zh) {
			t.Errorf("%s: not on the Chinese page:\n%s", name, c.zh)
		}
		if !strings.Contains(pages["rules.en.md"], c.en) {
			t.Errorf("%s: not on the English page:\n%s", name, c.en)
		}
	}
	if want := "| 4000 | [试验](zh/trial.md) | [trial](en/trial.md) | `trial` | no 否 | 敏感 sensitive |"; !strings.Contains(pages["kinds/README.md"], want) {
		t.Errorf("not in the index:\n%s", want)
	}
}

// tag is how a population is called by the code list of population tags.
func tag(l language) string {
	v := carev1.PopulationCode_POPULATION_CODE_AGED.Descriptor().Values().ByNumber(protoreflect.EnumNumber(carev1.PopulationCode_POPULATION_CODE_AGED))
	return printed(v) + " " + codeLabel(v, l)
}
