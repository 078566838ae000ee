// SPDX-License-Identifier: Apache-2.0

// Package intake turns the rows of files that other systems and offices made into forms.
//
//	sheets ──FindHead──▶ Plan: column → field ──Row──▶ form, key, person, doubts
//
// Columns are found by their words, wherever they stand: by the labels of the form's own
// fields, by a list of other spellings (heads.txt), by a profile of the source, and by what the
// caller says, each before the one in front. What codes mean is taken from words; a bare
// number that might mean yes or no is doubtful until a profile says what it means, because
// sources in use have it both ways.
//
// The one invariant: a row is taken whole or not at all. Whatever in a mapped column cannot be
// read for certain is a Doubt that names row, column and reason, and keeps the row aside; a
// column that is mapped to nothing is listed. What was written is kept as it was written, less
// what nobody meant: blanks of all kinds, characters without width, full-width letters and
// digits, and the pinyin that a converter put in brackets behind a character. Traditional
// characters are compared as simplified ones (hanzi.Fold) and kept.
//
// The package never reads a clock or a disk, and saves nothing. No Doubt shows a number or a
// name whole.
package intake
