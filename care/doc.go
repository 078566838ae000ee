// SPDX-License-Identifier: Apache-2.0

// Package care knows what is captured: the kinds of records, read from the
// descriptors of xunzhen.care.v1, and how a form turns into registers and back.
//
//	registers ──Message──▶ form ──a person edits──▶ form ──Diff──▶ changes
//
// A field of a form is one register, a message field too, unless its option says
// that its fields merge one by one; an entry of a map is one register; the
// members of a oneof share one. REGISTERS.md lists them all. The list is frozen
// at release like field numbers.
//
// Every message of xunzhen.care.v1 with a kind option is a kind: a new one needs its
// .proto and no line of Go. Where a form stands between its author and its reviewers
// follows from its status and its reviews, see Stand.
//
// The invariant: Diff of what was shown against Message of what was shown is no
// change, and applying Diff(shown, edited) gives edited, with every field that
// this build does not know as it was.
//
// The package never clears what it does not know, never refuses what a person
// measured, and knows no store, engine or wire. The time and randomness it needs
// are handed in.
package care
