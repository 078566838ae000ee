// SPDX-License-Identifier: Apache-2.0

// Package trial invents doctors, honest and fabricating, with their patients and a year of
// records, so that the rules of package authenticity can be measured: how often each finds what
// it is for, and how often it stops an honest doctor.
//
//	for number := range 500 { d := trial.Doctor(seed, number, trial.Honest, 2026); … }
//
// The invariant: a Case is a function of seed, number, style and year. Honest doctors have the
// variety that honest work has: cuffs that are read to the nearest ten, forms typed in the
// evening, trips without a network, families with one telephone and one home, couples examined
// on one day, scales that show whole kilograms.
//
// Nobody in it lives: pressures, glucose, lipids and body mass are drawn, and moved a little,
// from diabetes442.csv (Efron, Hastie, Johnstone, Tibshirani, Least Angle Regression, Annals of
// Statistics 2004; as shipped with scikit-learn 1.2.1, BSD-3-Clause), which has no names. The
// package is for tests and reports; no program that serves people imports it.
package trial
