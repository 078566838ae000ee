// SPDX-License-Identifier: Apache-2.0

package export

import (
	"slices"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
)

// ContractLine is one person of a key population with the contract in force.
type ContractLine struct {
	*Person
	contract *carev1.Contract
}

// sensitive reports whether belonging to a population may be known to those alone who may see
// records of the sensitive class.
func sensitive(group carev1.PopulationCode) bool {
	return group == carev1.PopulationCode_POPULATION_CODE_SEVERE_MENTAL || group == carev1.PopulationCode_POPULATION_CODE_TUBERCULOSIS
}

// ContractOf returns the line of a person; false for who is not in the register. Who belongs to
// a key population only by what the view may not see is not in it.
func ContractOf(p *Person, v View) (ContractLine, bool) {
	key := slices.ContainsFunc(p.groups, func(g carev1.PopulationCode) bool { return v.Sensitive || !sensitive(g) })
	l := ContractLine{Person: p, contract: p.contract()}
	return l, key && l.contract != nil
}

// contract returns the contract in force on the last day counted: of several the one signed last.
func (p *Person) contract() *carev1.Contract {
	var best *carev1.Contract
	for _, e := range p.entries {
		c, ok := e.Form.(*carev1.Contract)
		if ok && inForce(c, p.question.Until()) && (best == nil || c.GetSignedOn() >= best.GetSignedOn()) {
			best = c
		}
	}
	return best
}

func inForce(c *carev1.Contract, on care.Date) bool {
	switch c.GetState() {
	case carev1.ContractState_CONTRACT_STATE_SIGNED, carev1.ContractState_CONTRACT_STATE_RENEWED,
		carev1.ContractState_CONTRACT_STATE_TERMINATED, carev1.ContractState_CONTRACT_STATE_EXPIRED:
	default:
		return false
	}
	if end := c.GetTermination().GetEndedOn(); end > 0 && care.Date(end) < on || c.GetStatus() == carev1.FormStatus_FORM_STATUS_DRAFT {
		return false
	}
	if c.GetState() == carev1.ContractState_CONTRACT_STATE_TERMINATED && c.GetTermination().GetEndedOn() == 0 {
		return false
	}
	return care.Date(c.GetTerm().GetSince()) <= on && on <= care.Date(c.GetTerm().GetUntil())
}

func groupsText(all []carev1.PopulationCode, restricted bool) Cell {
	return text(labels(slices.DeleteFunc(slices.Clone(all), func(g carev1.PopulationCode) bool { return sensitive(g) != restricted }), ""))
}

func itemNames(m map[string]*carev1.ContractItem) string {
	var names []string
	for _, i := range sorted(m) {
		names = append(names, i.GetName())
	}
	return joined("、", names...)
}

// Contracts is table (c), the register of contracts of the key populations.
func Contracts() Sheet[ContractLine] {
	type line = ContractLine
	fields := aboutPerson(func(l line) *Person { return l.Person }, func(l line) care.Date { return l.question.Until() })
	fields = append(
		fields,
		field[line]{Column{ID: "groups", ZH: "人群类别", EN: "populations", Width: 24, Wrap: true, FromZH: "统计截止日所属重点人群（规则包）", FromEN: "key populations on the last day counted, by the rule pack"}, func(l line) Cell { return groupsText(l.groups, false) }},
		field[line]{Column{ID: "restricted_groups", ZH: "人群类别（受限）", EN: "populations, restricted", Width: 18, Wrap: true, Sensitive: true, FromZH: "严重精神障碍、肺结核；仅限有敏感数据权限者", FromEN: "severe mental illness, tuberculosis; only for who may see the sensitive class"}, func(l line) Cell { return groupsText(l.groups, true) }},
		field[line]{Column{ID: "signed_on", ZH: "签约日期", EN: "signed", Format: Day, Width: 12, FromZH: "家庭医生签约 签约日期", FromEN: "contract.signed_on"}, func(l line) Cell { return day(care.Date(l.contract.GetSignedOn())) }},
		field[line]{Column{ID: "since", ZH: "有效期起", EN: "since", Format: Day, Width: 12, FromZH: "家庭医生签约 有效期", FromEN: "contract.term.since"}, func(l line) Cell { return day(care.Date(l.contract.GetTerm().GetSince())) }},
		field[line]{Column{ID: "until", ZH: "有效期止", EN: "until", Format: Day, Width: 12, FromZH: "家庭医生签约 有效期", FromEN: "contract.term.until"}, func(l line) Cell { return day(care.Date(l.contract.GetTerm().GetUntil())) }},
		field[line]{Column{ID: "package", ZH: "服务包", EN: "package", Width: 14, FromZH: "家庭医生签约 服务包类型", FromEN: "contract.package_type"}, func(l line) Cell { return label(l.contract.GetPackageType()) }},
		field[line]{Column{ID: "items", ZH: "服务项目", EN: "services", Width: 28, Wrap: true, FromZH: "家庭医生签约 基础与个性化项目", FromEN: "contract.service_items and personal_items"}, func(l line) Cell {
			return text(joined("、", itemNames(l.contract.GetServiceItems()), itemNames(l.contract.GetPersonalItems())))
		}},
		field[line]{Column{ID: "team", ZH: "签约团队", EN: "team", Width: 18, FromZH: "家庭医生签约 团队", FromEN: "contract.team_id"}, func(l line) Cell { return text(l.question.Names.Team(l.contract.GetTeamId())) }},
		field[line]{Column{ID: "doctor", ZH: "签约医生", EN: "doctor", Width: 10, FromZH: "家庭医生签约 医生", FromEN: "contract.doctor_id"}, func(l line) Cell { return text(l.question.Names.Staff(l.contract.GetDoctorId())) }},
		field[line]{Column{ID: "organisation", ZH: "签约机构", EN: "organisation", Width: 20, FromZH: "家庭医生签约 机构", FromEN: "contract.organisation_code"}, func(l line) Cell { return text(l.question.Names.Organisation(l.contract.GetOrganisationCode())) }},
	)
	return define(Table{
		Name: "contracts", ZH: "重点人群家庭医生签约花名册", EN: "register of contracts of the key populations", RowZH: "人", RowEN: "person", SheetZH: "重点人群签约",
		NoteZH: "统计截止日属于任一重点人群且签约在有效期内的人；一人多类只列一行。",
		NoteEN: "Whoever belongs to a key population and has a contract in force on the last day counted; one row a person, however many populations.",
	}, fields...)
}
