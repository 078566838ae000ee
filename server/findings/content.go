// SPDX-License-Identifier: Apache-2.0

package findings

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care"
	"github.com/xunzhen/xunzhen/syncengine/record"
)

// Set is all that is found about one record of a person.
type Set struct {
	Record   record.ID // zero: about the person as a whole
	Person   record.ID
	Combined bool // what rules find that look at other records, too
	// Findings have neither subject, record, day nor pack: those are the set's and the file's.
	Findings  []*carev1.Finding
	Omitted   int
	ChangedOn care.Date // the day since which it says this
	Divisions []record.Division
	Class     record.Class
	Position  Position
}

const (
	maxFindings = 100      // in a set
	maxContent  = 64 << 10 // bytes of a set, about
)

// The content of a row is, as protowire has it,
//
//	content = (field 1: a Finding)* [field 2: omitted]
const (
	fieldFinding = 1
	fieldOmitted = 2
)

// encodeContent returns the content of findings, those that have no room left out, and how
// many are in it. The same findings give the same bytes.
func encodeContent(all []*carev1.Finding) (content []byte, kept int, err error) {
	for i, f := range all {
		one, err := proto.MarshalOptions{Deterministic: true}.Marshal(&carev1.Finding{
			RuleId: f.GetRuleId(), Severity: f.GetSeverity(), Paths: f.GetPaths(), MessageZh: f.GetMessageZh(), MessageEn: f.GetMessageEn(),
			Fault: f.GetFault(),
		})
		if err != nil {
			return nil, 0, fmt.Errorf("rule %s: %w", f.GetRuleId(), err)
		}
		if i == maxFindings || len(content)+len(one) > maxContent {
			content = protowire.AppendTag(content, fieldOmitted, protowire.VarintType)
			return protowire.AppendVarint(content, uint64(len(all)-i)), i, nil
		}
		content = protowire.AppendTag(content, fieldFinding, protowire.BytesType)
		content = protowire.AppendBytes(content, one)
	}
	return content, len(all), nil
}

// decodeContent reads what encodeContent gave.
func decodeContent(content []byte) (all []*carev1.Finding, omitted int, err error) {
	for len(content) > 0 {
		number, typ, n := protowire.ConsumeTag(content)
		if n < 0 {
			return nil, 0, fmt.Errorf("content of a row: %w", protowire.ParseError(n))
		}
		content = content[n:]
		switch {
		case number == fieldFinding && typ == protowire.BytesType:
			one, n := protowire.ConsumeBytes(content)
			f := &carev1.Finding{}
			if n < 0 || proto.Unmarshal(one, f) != nil {
				return nil, 0, fmt.Errorf("content of a row: %w", record.ErrMalformed)
			}
			all, content = append(all, f), content[n:]
		case number == fieldOmitted && typ == protowire.VarintType:
			v, n := protowire.ConsumeVarint(content)
			if n < 0 {
				return nil, 0, fmt.Errorf("content of a row: %w", protowire.ParseError(n))
			}
			omitted, content = int(v), content[n:]
		default:
			return nil, 0, fmt.Errorf("content of a row: field %d: %w", number, record.ErrMalformed)
		}
	}
	return all, omitted, nil
}

// joinDivisions writes divisions, sorted, with spaces between them.
func joinDivisions(all []record.Division) string {
	out := make([]string, len(all))
	for i, d := range all {
		out[i] = string(d)
	}
	slices.Sort(out)
	return strings.Join(slices.Compact(out), " ")
}

func splitDivisions(text string) []record.Division {
	var out []record.Division
	for _, d := range strings.Fields(text) {
		out = append(out, record.Division(d))
	}
	return out
}
