// SPDX-License-Identifier: Apache-2.0

// Package exports makes the files that leave the county's office: the tables of care/export
// as .xlsx or .csv, and a person as a FHIR bundle.
//
//	cards ──▶ who may be in it, and which records are read
//	records ──Reader──▶ persons as of one position ──care/export──▶ rows ──spool──▶ sorted, counted, digested ──▶ file
//
// The one invariant: a file says of which position of the feed it is, and every record in it
// is as it stood there: what changes while the file is made is read again until the feed has
// ended. Rows are kept aside, in a folder that only the owner reads, so that memory is bounded
// by the number of rows and not by what is in them.
//
// Module keeps a card of each person among the projections: its residents, birth, tags, and the days of its
// records. A selection reads all cards and then only the records that they name; who changed since is read
// whole. Where cards are not there yet, or thousands of persons wait to be looked at, everything is read instead.
// A card only spares work: the table is the same without.
//
// The package gives nothing out: whoever hands on a File has written the access log before.
// What is begun and cancelled leaves nothing behind.
package exports
