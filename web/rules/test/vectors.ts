// SPDX-License-Identifier: Apache-2.0

// Runs proto/vectors/rules: node dist/test/vectors.js SCHEMA FOLDER, where SCHEMA is a serialized FileDescriptorSet of
// xunzhen.care.v1. Prints what differs and exits with 1 if anything does.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createFileRegistry, fromBinary, fromJson } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { type Entry, type Finding, type Form, Pack } from "../src/index.js";

const [schema, folder] = process.argv.slice(2);
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, readFileSync(schema)));
const read = (name: string): any => JSON.parse(readFileSync(`${folder}/${name}`, "utf8"));

const sealed = read("pack.json");
const content = Buffer.from(sealed.content_base64, "base64");
const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");
if (sha256(content) !== sealed.content_sha256) throw new Error("the pack does not have its hash");
const pack = Pack.load(registry, content);

const messages = new Map<string, any>();
for (const desc of registry) if (desc.kind === "message") messages.set(desc.typeName, desc);

function entry(e: any): Entry {
  const form = fromJson(messages.get(e.message), e.form) as Form;
  return { id: e.id, kind: e.kind, form, voided: e.voided, capturedAtMs: e.captured_at_ms };
}

const line = (f: Finding): string =>
  [f.ruleId, f.severity, f.recordId, f.paths.join(","), f.zh, f.en, f.fault ? "fault" : ""].join("|");

let wrong = 0;
function compare(name: string, what: string, got: unknown, want: unknown): void {
  const [a, b] = [JSON.stringify(got), JSON.stringify(want)];
  if (a === b) return;
  if (++wrong <= 20) console.log(`${name}: ${what}\n  got  ${a}\n  want ${b}`);
}

const cases = read("cases.json");
for (const c of cases) {
  const entries: Entry[] = c.entries.map(entry);
  const person = pack.person(c.subject, entries);
  const last = entries[entries.length - 1];
  const findings = pack.check(person, last, c.as_of);
  const { offers, faults } = pack.proposals(person, last, c.as_of);
  const due = pack.due(person, c.as_of);
  const populations = pack.populations(person, c.as_of);
  const lines = [...findings, ...faults, ...due.faults, ...populations.faults].map(line);
  compare(c.name, "findings", lines.filter((l) => !l.startsWith("Q01|")), c.findings);
  compare(c.name, "findings of Q01 too", sha256(lines.join("\n")), c.all_findings_sha256);
  const value = (v: bigint[] | string): string => (typeof v === "string" ? v : v.join(","));
  compare(c.name, "proposals", offers.map((o) => [o.ruleId, o.path, value(o.value), o.zh, o.en]), c.proposals);
  compare(c.name, "due", due.items.map((d) => [d.ruleId, d.kind, d.on, d.overdue, d.zh, d.en]), c.due);
  compare(c.name, "populations", populations.in.map((p) => [p.ruleId, p.population]), c.populations);
}
console.log(`${cases.length} cases, ${wrong} differences`);
process.exit(wrong === 0 ? 0 : 1);
