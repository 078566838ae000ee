// SPDX-License-Identifier: Apache-2.0

// Package register is the register of persons of a county as people look things up in it: by any part of a name, by its
// pinyin or the initials of that, by the number of a document, a telephone or an archive, whole or by their last
// four characters, by village, doctor, population, age and sex, whoever is dead or has moved away included.
//
// It is a module of the projection. A person has one row, with what a list shows and filters; beside it stand keys
// under which the row is found:
//
//	register_tokens   a keyed hash of what is looked up whole: parts of names, numbers, their ends, doctors, tags
//	register_pinyin   how the name is read, and its initials, from the first and from the second syllable
//	register_places   where the person's residents are
//
// A search takes the key that fewest persons have and looks at their rows one by one.
//
// The one invariant: the tables are a function of the residents, vital events and organisations of the county, and can be
// deleted. Numbers are in them as keyed hashes only: whoever shows one reads the record.
package register

// Version names what the tables say; it is raised with every change of that.
const version = "register/1"
