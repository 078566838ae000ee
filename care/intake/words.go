// SPDX-License-Identifier: Apache-2.0

package intake

import (
	_ "embed" // the heads
	"strings"
	"sync"

	"google.golang.org/protobuf/reflect/protoreflect"
)

//go:embed heads.txt
var headsText string

// otherHeads has the other spellings of heads: by kind's name, "*" for all kinds about
// residents, then by what same makes of the head.
var otherHeads = sync.OnceValue(func() map[string]map[string]string {
	out := map[string]map[string]string{}
	for line := range strings.Lines(headsText) {
		kind, rest, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || strings.HasPrefix(kind, "#") {
			continue
		}
		field, heads, _ := strings.Cut(rest, " = ")
		if out[kind] == nil {
			out[kind] = map[string]string{}
		}
		for _, head := range strings.Split(heads, ",") {
			out[kind][same(head)] = field
		}
	}
	return out
})

// otherWords are words for codes that are not their labels, by the name of the code list.
var otherWords = map[protoreflect.Name]map[string]protoreflect.EnumNumber{
	"Sex": {"男性": 1, "女性": 2, "M": 1, "F": 2, "未知": 10, "不详": 10, "未说明": 9},
	"Relation": {
		"夫": 1, "妻": 1, "丈夫": 1, "妻子": 1, "夫妻": 1, "爱人": 1, "老伴": 1, "儿子": 2, "女儿": 3, "长子": 2, "次子": 2, "三子": 2, "长女": 3, "次女": 3,
		"孙子": 4, "孙女": 4, "外孙": 4, "外孙女": 4, "孙": 4, "父亲": 5, "母亲": 5, "父": 5, "母": 5, "祖父": 6, "祖母": 6, "爷爷": 6, "奶奶": 6,
		"外祖父": 6, "外祖母": 6, "兄": 7, "弟": 7, "姐": 7, "妹": 7, "哥哥": 7, "弟弟": 7, "姐姐": 7, "妹妹": 7, "儿媳": 8, "女婿": 8, "其他亲属": 8,
		"非亲属": 8, "户主": 10, "自己": 10,
	},
	"IdentityType": {"身份证": 1, "居民身份证号": 1, "二代身份证": 1, "户口本": 2, "港澳台居住证": 6, "出生证": 5, "出生证明": 5},
	"Education": {
		"研究生及以上": 1, "硕士": 1, "博士": 1, "本科": 2, "大学": 2, "大专": 3, "专科": 3, "中专": 4, "中技": 5, "技校": 5, "普高": 6, "高中中专": 6,
		"中学": 7, "文盲": 9, "半文盲": 9, "文盲及半文盲": 9, "未知": 10,
	},
	"MaritalStatus": {"未婚者": 1, "结婚": 2, "初婚": 2, "再婚": 2, "丧偶者": 3, "离异": 4, "离婚者": 4, "不详": 5, "未说明的婚姻状况": 5},
	"PaymentMode": {
		"城镇职工医保": 1, "职工医保": 1, "城镇职工基本医疗保险": 1, "城乡居民医保": 2, "居民医保": 2, "城乡居民基本医疗保险": 2, "新农合": 3, "新型农村合作医疗": 3,
		"贫困救助": 4, "商业保险": 5, "公费": 6, "自费": 7,
	},
	"Residency":   {"户籍人口": 1, "本地户籍": 1, "是": 1, "非户籍人口": 2, "外地户籍": 2, "流动人口": 2},
	"FollowUpWay": {"门诊随访": 1, "家庭随访": 2, "入户": 2, "上门": 2, "电话随访": 3},
	"Adherence":   {"规律服药": 1, "间断服药": 2},
	"NoneOrSome":  {"否": 1, "没有": 1, "未发生": 1, "是": 2},
	"NoOrYes":     {"无": 1, "有": 2},
	"DrugAllergy": {"青霉素类": 2, "磺胺类": 3},
	"Disability":  {"无": 1, "视力": 2, "听力": 3, "言语": 4, "肢体": 5, "智力": 6, "精神": 7},
	"StaffRole":   {"村医": 1, "家庭医生签约医生": 2, "全科医生": 2, "护理": 3, "公共卫生医师": 4, "公卫人员": 4, "质控": 5, "管理员": 6},
	"OrganisationType": {
		"县卫健局": 1, "区卫健局": 1, "卫健局": 1, "疾控中心": 2, "疾控": 2, "妇幼保健院": 3, "妇幼": 3, "卫生监督所": 4, "卫生院": 5, "中心卫生院": 5,
		"社区中心": 6, "社区站": 7, "卫生室": 8, "村卫生所": 8, "人民医院": 9,
	},
	"StatisticCode": {
		"常住人口数": 1, "常住总人口": 1, "户籍人口数": 2, "户籍总人口": 2, "65岁以上": 3, "65岁及以上": 3, "65岁以上老年人": 3, "65岁及以上老年人": 3, "65岁及以上老年人口": 3, "65岁以上人口": 3,
		"65岁以上常住人口": 3, "65岁及以上老年人数": 3, "65岁以上老年人数": 3, "35岁及以上": 4, "35岁以上": 4, "35岁以上人口": 4, "0到6岁儿童": 5, "0~6岁儿童": 5, "06岁儿童": 5, "0-6岁儿童数": 5, "活产": 6,
		"应管高血压": 7, "高血压应管人数": 7, "应管高血压人数": 7, "高血压应管数": 7, "应管糖尿病": 8, "糖尿病应管人数": 8, "应管糖尿病人数": 8, "糖尿病应管数": 8,
		"应管慢阻肺": 9, "慢阻肺应管人数": 9,
	},
	"StatisticSource": {"统计局": 1, "公安": 2, "上级": 3},
	"DeathPlace":      {"医院": 1, "家": 3, "在家": 3, "养老院": 4, "敬老院": 4},
	"VitalEventType":  {"已故": 1},
}

// Words for yes and no, and for nothing.
var (
	yesWords  = map[string]bool{"是": true, "有": true, "y": true, "yes": true, "true": true, "√": true, "已达标": true, "达标": true, "对": true}
	noWords   = map[string]bool{"否": true, "无": true, "n": true, "no": true, "false": true, "×": true, "未达标": true, "不达标": true, "没有": true}
	nilWords  = map[string]bool{"": true, "-": true, "--": true, "—": true, "——": true, "/": true, "\\": true, "null": true, "无数据": true, "未填": true, "未查": true, "n/a": true}
	sumWords  = []string{"合计", "总计", "小计", "共计", "总和"}
	separates = "、，,;；/|"
)
