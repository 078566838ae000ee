// SPDX-License-Identifier: Apache-2.0

// Package export says which tables leave the county's office as files, and how a row of each
// is made from records and figures: the ten tables of indicators.md §6.8. A table is data:
// its columns with header, source, width and format, from which the files and the page of
// documentation are made alike.
//
//	records, figures ──a Sheet's Row──▶ cells ──server/exports──▶ .xlsx, .csv
//
// The one invariant: a row is a function of what it is handed, and every cell of it is in
// the table's columns, with the same format in each file.
//
// The package reads no store and no clock, writes no file, and never shows a number that is
// masked or a column of sensitive records to a View that does not have them.
package export
