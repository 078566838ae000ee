// SPDX-License-Identifier: Apache-2.0

package authenticity

import carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"

// Rule is what people read of a rule.
type Rule struct {
	ID       string
	Severity carev1.Severity
	// What it looks for, and what an honest doctor may have done that looks the same.
	ZH, EN, InnocentZH, InnocentEN string
	// What a finding says, with {number} in it; empty: the pack's row says it.
	FoundZH, FoundEN string
	Tested           bool // it has a p-value, and stands when its q is small enough
}

const (
	grave   = carev1.Severity_SEVERITY_ERROR
	odd     = carev1.Severity_SEVERITY_SUSPICION
	ask     = carev1.Severity_SEVERITY_WARNING
	unknown = carev1.Severity_SEVERITY_UNSPECIFIED
)

// Lookup returns the rule with an id, and whether there is one. Of a row of the pack that is not
// in this book only the id is known, and that it is asked about.
func Lookup(id string) (Rule, bool) {
	for _, r := range book {
		if r.ID == id {
			return r, true
		}
	}
	if _, ours := packRule(id); ours {
		return Rule{ID: id, Severity: ask}, true
	}
	return Rule{ID: id, Severity: unknown}, false
}

// Book returns every rule in order of id. The slice is the caller's.
func Book() []Rule { return append([]Rule(nil), book[:]...) }

// book is in order of id; nobody changes it.
var book = [...]Rule{
	{"A01.death", grave, "死亡之后的服务", "service after death", "死亡日期录入有误", "the day of death is wrong", "", "", false},
	{"A01.hospital", grave, "住院期间的见面服务", "seen in person while in hospital", "出入院日期录入有误", "a day of the hospital stay is wrong", "{day} 的见面服务落在住院期间（{from} 至 {to}）", "seen in person on {day}, in hospital from {from} to {to}", false},
	{"A01.left", grave, "迁出之后的服务", "service after moving away", "已回迁而未登记", "came back and nobody wrote it down", "", "", false},
	{"A02.pressure", odd, "连续多次血压完全相同", "the same blood pressure visit after visit", "取整读数、控制稳定", "rounded readings of somebody stable", "连续 {times} 次血压均为 {first}/{second} mmHg", "{times} visits in a row have {first}/{second} mmHg", false},
	{"A02.repeat", odd, "一名医生的多名患者血压重复", "many patients of one doctor with repeated pressures", "袖带血压计取整", "a cuff that is read to the nearest ten", "{share}% 的患者（{repeated}/{persons}）两次血压完全相同", "{share}% of the patients ({repeated} of {persons}) have one pressure twice in a row", true},
	{"A02.vector", odd, "两次测量值全部相同", "two visits with all the same measurements", "同一次测量录入两次", "one measurement entered twice", "{day} 与 {earlier} 的 {fields} 项测量值全部相同", "{fields} measurements of {day} are those of {earlier}", false},
	{"A02.weight", odd, "连续多次体重相同", "the same weight visit after visit", "体重秤按 0.5 或 1 千克显示", "scales that show half or whole kilograms", "连续 {times} 次体重均为 {kg} kg", "{times} visits in a row have {kg} kg", false},
	{"A03.labs", odd, "不同居民的化验结果相同", "the same laboratory panel of different persons", "仪器导入时错配", "the import from the analyser mixed up", "{persons} 名居民有一组 {fields} 项完全相同的化验结果", "{persons} persons have one panel of {fields} equal results", false},
	{"A03.vector", odd, "同一天不同居民的测量值相同", "the same measurements of different persons on one day", "几乎没有", "hardly any", "{day} {persons} 名居民至少 {fields} 项测量值相同", "on {day} {persons} persons agree in at least {fields} measurements", false},
	{"A04.diastolic", odd, "舒张压末位数字偏好", "last digits of diastolic pressures", "袖带血压计取整", "a cuff that is read to the nearest ten", "{n} 个舒张压的末位数字不均匀（χ²={chi2}，df {df}），0 占 {zero}%", "last digits of {n} diastolic pressures are not even (χ²={chi2}, df {df}), 0 in {zero}%", true},
	{"A04.glucose", odd, "血糖末位数字偏好", "last digits of fasting glucose", "血糖仪按 0.5 显示", "a meter that shows halves", "{n} 个空腹血糖的末位数字不均匀（χ²={chi2}，df {df}），0 占 {zero}%", "last digits of {n} fasting glucoses are not even (χ²={chi2}, df {df}), 0 in {zero}%", true},
	{"A04.systolic", odd, "收缩压末位数字偏好", "last digits of systolic pressures", "袖带血压计取整", "a cuff that is read to the nearest ten", "{n} 个收缩压的末位数字不均匀（χ²={chi2}，df {df}），0 占 {zero}%", "last digits of {n} systolic pressures are not even (χ²={chi2}, df {df}), 0 in {zero}%", true},
	{"A05.band", odd, "收缩压集中在狭窄范围", "systolic pressures in a narrow band", "几乎没有", "hardly any", "{n} 个收缩压均值 {mean}，{share}% 落在 {low}–{high}", "{n} systolic pressures have a mean of {mean}, and {share}% lie in {low} to {high}", true},
	{"A05.controlled", odd, "控制满意率过高", "nearly everybody controlled", "患者少而病情轻", "few patients who are well", "{n} 次随访中 {share}% 为控制满意", "{share}% of {n} follow-ups are controlled", true},
	{"A05.spread", odd, "收缩压离散度过小", "systolic pressures that hardly vary", "几乎没有", "hardly any", "{n} 个收缩压的标准差只有 {sd} mmHg", "{n} systolic pressures have a standard deviation of {sd} mmHg only", true},
	{"A06.heap", odd, "收缩压堆积在达标线下", "systolic pressures heaped below the target", "复测后取较低值", "the lower of two readings is written down", "达标线下 {below} 个（{low}–{high}），线上只有 {above} 个", "{below} just below the target ({low} to {high}), and {above} just above it", true},
	{"A07.follow_ups", odd, "一天内随访过多", "too many follow-ups in a day", "集中随访日，多人协助", "a clinic day with helpers", "{day} 随访 {count} 人次", "{count} follow-ups on {day}", false},
	{"A07.home_visits", odd, "一天内入户过多", "too many home visits in a day", "同一院落多户", "many households in one yard", "{day} 入户 {count} 次", "{count} home visits on {day}", false},
	{"A07.overlap", grave, "同一医生的服务时间重叠", "one doctor in two places at a time", "离开时间未及时点击", "the departure was noted late", "{day} 有 {count} 对服务时间重叠，最长 {minutes} 分钟", "on {day} {count} pairs of visits overlap, by up to {minutes} minutes", false},
	{"A07.rapid", odd, "连续服务间隔过短", "visits begun within minutes of each other", "集中测量后逐一录入", "measured together, then typed", "{day} 连续 {count} 次服务的开始间隔不足 {minutes} 分钟", "on {day} {count} visits in a row begin within {minutes} minutes of each other", false},
	{"A07.site", odd, "一个机构一天体检过多", "too many checkups at one site in a day", "多院区合并登记", "several sites under one code", "{day} 该机构体检 {count} 人", "{count} persons examined at the site on {day}", false},
	{"A08.away", odd, "入户位置远离住所", "home visits far from the home", "居民在田间或亲属家", "met in the fields or at relatives'", "{count} 次入户（{share}%）距登记住所超过 {metres} 米", "{count} home visits ({share}%) are more than {metres} m from the home", false},
	{"A08.same_point", odd, "在同一地点录入多户入户", "home visits of many households at one point", "相邻住户或集中居住", "neighbours, or one block of flats", "{day} 有 {households} 户的入户位置相同（{metres} 米之内）", "on {day} {households} households were visited at one point (within {metres} m)", false},
	{"A08.speed", odd, "入户之间移动过快", "travelling too fast between home visits", "定位漂移", "a position that drifted", "{day} 有 {count} 段路程快于可能，最快 {speed} km/h", "on {day} {count} ways were faster than can be, up to {speed} km/h", false},
	{"A09.batch", odd, "一小时内补录多日记录", "records of many days typed within an hour", "纸质记录统一录入", "paper forms typed together", "{count} 条记录（{days} 个服务日期）在 {minutes} 分钟内录入", "{count} records of {days} days were typed within {minutes} minutes", false},
	{"A09.festival", odd, "春节期间的服务", "services at the Spring Festival", "急需的上门服务", "somebody needed care", "{day} 春节期间服务 {count} 人次", "{count} services on {day}, at the Spring Festival", false},
	{"A09.late", odd, "录入迟滞", "entered late", "无网络、纸质记录", "no network, paper forms", "{share}% 的记录（{count}/{n}）在服务 {days} 天后才录入", "{share}% of the records ({count} of {n}) were entered more than {days} days after the service", false},
	{"A09.night", odd, "深夜服务", "services at night", "急诊上门", "called for in the night", "{day} 夜间开始的服务 {count} 次", "{count} services begun in the night on {day}", false},
	{"A09.overdue", grave, "录入超过时限，须说明理由", "entered so late that a reason is needed", "无网络、纸质记录", "no network, paper forms", "{count} 条记录在服务 {days} 天后才录入", "{count} records were entered more than {days} days after the service", false},
	{"A09.rush", odd, "考核前突击录入", "a rush of entries before an assessment", "年底集中体检", "checkups at the end of the year", "考核前 {days} 天录入了半年记录的 {share}%（{count}/{n}）", "{share}% of the half-year ({count} of {n}) was entered in its last {days} days", false},
	{"A10.early", odd, "全年随访集中在半年内", "the year's visits within half a year", "年中才建档", "registered in the middle of the year", "{share}% 的患者（{count}/{n}）全年 {times} 次随访在 {days} 天之内", "{share}% of the patients ({count} of {n}) had their {times} visits within {days} days", true},
	{"A10.grid", odd, "每次随访都在同一日号", "visits always on one day of the month", "固定的随访日", "a fixed clinic day", "{share}% 的患者（{count}/{n}）每次随访都在同一日号", "{share}% of the patients ({count} of {n}) are always seen on one day of the month", true},
	{"A10.planned", odd, "随访总在预约当天", "every visit on the very day planned", "严格按预约提醒", "appointments that are kept strictly", "{share}% 的随访（{count}/{n}）正好在上次约定的日期", "{share}% of the follow-ups ({count} of {n}) are on the very day planned", true},
	{"A11.checkups", ask, "65 岁及以上一年两次体检", "two checkups in a year of somebody aged", "自费体检", "one was paid for", "", "", false},
	{"A11.number", grave, "同一证件号多份档案", "one identity number in several archives", "迁移后重复建档", "registered again after moving", "{persons} 份档案用同一证件号", "{persons} archives bear one identity number", false},
	{"A11.same_day", grave, "同日同类记录重复", "two records of one kind on one day", "重复保存", "saved twice", "", "", false},
	{"A11.similar", odd, "疑似重复建档", "archives that may be of one person", "同名同龄的两个人", "two people of one name and age", "{persons} 份档案姓名相同，且出生日期、电话或证件号几乎相同", "{persons} archives share a name, and a birth date, telephone or nearly the number", false},
	{"A12.own", odd, "居民电话是医务人员本人号码", "the telephone of a member of staff as a resident's", "医生自己的家人", "the doctor's own family", "{persons} 名居民登记的是医务人员本人的电话", "{persons} residents are registered under a member of staff's telephone", false},
	{"A12.series", odd, "连号电话", "telephone numbers in a series", "单位集团号码", "a block of numbers of one employer", "{households} 户登记的电话只有末两位不同", "the telephones of {households} households differ in the last two digits only", false},
	{"A12.shared", odd, "多户共用一个电话", "one telephone of many households", "村内公用电话", "the village's telephone", "{persons} 名居民、{households} 户登记同一个电话", "{persons} residents of {households} households are registered under one telephone", false},
	{"A13.education", ask, "文化程度降低", "less education than before", "录入有误", "a slip", "", "", false},
	{"A13.height", ask, "成人身高变化", "an adult's height changed", "测量误差", "measured differently", "", "", false},
	{"A13.height_checkup", ask, "成人身高变化（体检）", "an adult's height changed between checkups", "测量误差", "measured differently", "", "", false},
	{"A13.identity", ask, "性别、出生日期或血型不一致", "sex, birth date or blood group changed", "录入有误", "a slip", "", "", false},
	{"A13.smoking", ask, "吸烟史前后矛盾", "never smoked, after having smoked", "理解不同", "asked differently", "", "", false},
	{"A13.waist", ask, "腰围变化过大", "waist changed much within a year", "测量误差", "measured differently", "", "", false},
	{"A13.weight", ask, "体重变化过大", "weight changed much", "疾病", "illness", "", "", false},
	{"A14.pressure", odd, "同日随访与体检血压不符", "follow-up and checkup of one day differ", "两次测量之间用药", "a drug between two readings", "", "", false},
	{"A14.same_day", grave, "同日两病随访不一致", "two follow-ups of one day differ", "录入有误", "a slip", "", "", false},
	{"A15.aged_untagged", grave, "65 岁及以上无标记", "aged without the tag", "刚满 65 岁", "has just come of age", "", "", false},
	{"A15.aged_young", grave, "老年人标记错误", "the tag of the aged, and young", "出生日期有误", "the birth date is wrong", "", "", false},
	{"A15.child", grave, "儿童标记错误", "the tag of a child, and older", "未及时取消", "not taken off in time", "", "", false},
	{"A15.diabetes", grave, "有糖尿病随访而无登记", "diabetes follow-ups, and not registered", "登记在另一份档案", "registered in another archive", "", "", false},
	{"A15.hypertension", grave, "有高血压随访而无登记", "hypertension follow-ups, and not registered", "登记在另一份档案", "registered in another archive", "", "", false},
	{"A15.maternal", grave, "孕产妇标记错误", "the tag of a mother, and a man", "性别有误", "the sex is wrong", "", "", false},
	{"A15.maternal_over", grave, "产后 42 天后仍为孕产妇", "the tag of a mother over 42 days after birth", "未及时取消", "not taken off in time", "", "", false},
	{"A16.absent", odd, "外出期间的见面服务", "seen in person while away", "中途回家", "came home in between", "{day} 见到本人，而 {from} 和 {to} 入户时均不在", "seen on {day}, and not there on {from} and {to}", false},
	{"A16.phone", ask, "电话随访有测量血压", "a pressure measured by telephone", "自测值未标明", "told by the patient and not marked so", "", "", false},
	{"A16.touch", odd, "电话随访有足背动脉触诊", "a foot pulse felt by telephone", "沿用上次结果", "carried over from last time", "", "", false},
	{"A17.reuse", odd, "照片重复使用", "one photograph in several visits", "同户同日合影", "a household's photograph of one day", "同一张照片用于 {records} 次服务、{persons} 名居民", "one photograph stands in {records} visits of {persons} persons", false},
	{"A17.time", odd, "照片时间不在服务期间", "a photograph from another time", "相机时间不准", "the camera's clock", "{photos} 张照片与服务时间相差最多 {minutes} 分钟", "{photos} photographs are up to {minutes} minutes away from the visit", false},
	{"A18.ahead", odd, "设备时间超前", "a device's clock ahead of the centre's", "设备时间未校准", "a clock that nobody set", "{count} 条记录的保存时间晚于中心接收，最多 {minutes} 分钟", "{count} records were saved after the centre had them, by up to {minutes} minutes", false},
	{"A18.back", odd, "设备时间被调回", "a device's clock was set back", "校准超前的时间", "a wrong clock put right", "{count} 条记录的录入时间早于此前的保存，最多 {minutes} 分钟", "{count} records were entered before what the device had saved earlier, by up to {minutes} minutes", false},
	{"A19.staff", grave, "签名医生当日不在名册", "the doctor is not on the staff list of the day", "名册未及时更新", "the list is behind", "{count} 条记录的服务日期该医生不在名册", "{count} records are of days on which the doctor is not on the list", false},
	{"A19.villages", grave, "同一分钟在两个村", "in two villages within a minute", "代他人录入", "entered for somebody else", "{day} 有 {count} 对服务在一分钟内开始于两个村", "on {day} {count} pairs of visits begin in two villages within a minute", false},
	{"A20.ecg", odd, "心电图全部正常", "every electrocardiogram normal", "人群年轻", "young people", "{n} 份心电图全部正常", "all {n} electrocardiograms are normal", true},
	{"A20.ultrasound", odd, "B超全部正常", "every ultrasound normal", "人群年轻", "young people", "{n} 份腹部B超全部正常", "all {n} ultrasounds are normal", true},
}
