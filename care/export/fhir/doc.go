// SPDX-License-Identifier: Apache-2.0

// Package fhir turns the records of one person into a Bundle of FHIR R4, for other systems:
//
//	resident            Patient, Condition, AllergyIntolerance
//	follow-ups, visits  Encounter, Observation, MedicationStatement
//	checkup             Encounter, Observation, MedicationStatement, Immunization
//	contract            CarePlan, CareTeam
//	who saved what      Practitioner, Organization, Provenance
//
// Observations bear LOINC codes and UCUM units, those of vital signs their profiles of the
// specification; words are Chinese. A form's question that has no place in a standard resource
// is left out rather than forced into one. Linked residents are one Patient with the
// identifiers of all; voided records are left out.
//
// Where values of a record are in conflict, the resources show the value that every screen
// shows; they are tagged, and the record's Provenance names each path and the other values.
//
// The one invariant: the bundle is a function of what it is handed, the same bytes each time,
// and every reference leads to an entry of it.
//
// The numbers of identity cards bear urn:oid:2.16.156.10011.1.3, the identifier of such numbers
// in the shared health documents of WS/T 500; for what has no public name there are URIs below
// Namespace.
package fhir

// Namespace begins the URIs of what only this project names.
const Namespace = "https://github.com/xunzhen/xunzhen/fhir/"
