// SPDX-License-Identifier: Apache-2.0

// Package supervision checks by samples whether what was recorded is true: who is drawn, what
// they are asked, which answers contradict the records, what comes of it, and where faults stand
// that are to be put right. DESIGN.md beside this file says why nobody can choose a draw.
//
// The one invariant: a sample is a function of the seed and the frame, the seed a function of the
// round, the frame, and what became known after both were fixed. Whoever has the frame's text can
// repeat the draw with any SHA-256.
//
// It decides nothing about a doctor: it proposes verdicts with reasons, and a person decides.
package supervision
