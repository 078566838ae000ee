// SPDX-License-Identifier: Apache-2.0

package assessment

import (
	"fmt"

	carev1 "github.com/xunzhen/xunzhen/api/xunzhen/care/v1"
	"github.com/xunzhen/xunzhen/care/indicators"
)

// AlgorithmName returns what deployed systems call an algorithm: egt, elt, Y01, N01, attach or empty.
func AlgorithmName(a carev1.ScoreAlgorithm) string {
	switch a {
	case carev1.ScoreAlgorithm_SCORE_ALGORITHM_EGT:
		return "egt"
	case carev1.ScoreAlgorithm_SCORE_ALGORITHM_ELT:
		return "elt"
	case carev1.ScoreAlgorithm_SCORE_ALGORITHM_Y01:
		return "Y01"
	case carev1.ScoreAlgorithm_SCORE_ALGORITHM_N01:
		return "N01"
	case carev1.ScoreAlgorithm_SCORE_ALGORITHM_ATTACH:
		return "attach"
	}
	return "empty"
}

// WorkID returns the id of a work item, for programs: its place in the list of the specification, from W01.
func WorkID(w indicators.WorkItem) string { return fmt.Sprintf("W%02d", int(w)+1) }
