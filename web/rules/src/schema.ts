// SPDX-License-Identifier: Apache-2.0

// The checks that follow the schema options of a form: the counterpart of schema.go and schema_walk.go.

import { type DescField, type DescMessage, type Registry, getOption, hasOption } from "@bufbuild/protobuf";
import { type ReflectMessage, reflect } from "@bufbuild/protobuf/reflect";
import { dateText, valid } from "./dates.js";
import { type Labels, type Words, decimal } from "./message.js";
import type { Form } from "./person.js";

/** The numbers of SchemaCheck. */
export enum Check {
  Required = 1,
  UnknownCode = 2,
  ExclusiveCode = 3,
  HardRange = 4,
  WarnRange = 5,
  Date = 6,
  Size = 7,
}

/** What a check found, with what its message may name. */
export interface Issue {
  check: Check;
  path: string;
  field: Words;
  unit: string;
  value: Words;
  min: string;
  max: string;
}

interface Planned {
  desc: DescField;
  options: any;
  codes?: Map<number, boolean>;
  parts?: () => Planned[];
  wants: Set<string>;
}

const civilDate = 1;
const required = 1;
const conditional = 2;
const agedYears = 65;
const mostEntries = 256;

export class Schema {
  private readonly plans = new Map<string, Planned[]>();
  private readonly option;

  constructor(
    registry: Registry,
    private readonly labels: Labels,
  ) {
    const option = registry.getExtension("xunzhen.schema.v1.field");
    if (option === undefined) throw new Error("the schema has no options for fields");
    this.option = option;
  }

  /** What the checks find on a form, in its order. */
  issues(desc: DescMessage, form: Form, person: Form): Issue[] {
    const walk = new Walk(this, this.labels, person, form);
    walk.message(this.plan(desc), reflect(desc, form), "", new Set());
    return walk.out;
  }

  plan(desc: DescMessage): Planned[] {
    let fields = this.plans.get(desc.typeName);
    if (fields === undefined) {
      fields = [...desc.fields].sort((a, b) => a.number - b.number).map((f) => this.field(f));
      this.plans.set(desc.typeName, fields);
    }
    return fields;
  }

  private field(desc: DescField): Planned {
    const options = hasOption(desc, this.option) ? (getOption(desc, this.option) as any) : undefined;
    const message = "message" in desc ? desc.message : undefined;
    return {
      desc,
      options,
      codes: "enum" in desc && desc.enum !== undefined ? this.labels.codes(desc.enum) : undefined,
      parts: message === undefined ? undefined : () => this.plan(message),
      wants: new Set(options?.requiredParts ?? []),
    };
  }
}

class Walk {
  readonly out: Issue[] = [];
  private readonly confirmed = new Set<string>();

  constructor(
    private readonly schema: Schema,
    private readonly labels: Labels,
    private readonly person: Form,
    form: Form,
  ) {
    for (const c of Object.values<any>(form.confirmedValues ?? {})) this.confirmed.add(`${c.value} ${c.field}`);
  }

  private report(check: Check, f: Planned, path: string, more: Partial<Issue> = {}): void {
    const field = { zh: f.options.zh, en: f.options.en };
    this.out.push({ check, path, field, unit: f.options.unit, value: { zh: "", en: "" }, min: "", max: "", ...more });
  }

  message(plan: Planned[], m: ReflectMessage, prefix: string, wants: Set<string>): void {
    for (const f of plan) {
      if (f.options === undefined) continue;
      const path = prefix + f.desc.name;
      if (m.isSet(f.desc)) this.field(f, m.get(f.desc), path);
      else if (this.required(plan, f, m, wants.has(f.desc.name))) this.report(Check.Required, f, path);
    }
  }

  private required(plan: Planned[], f: Planned, m: ReflectMessage, wanted: boolean): boolean {
    if (f.desc.fieldKind === "scalar" && isBool(f.desc)) return false;
    if (wanted || f.options.requirement === required) return true;
    if (f.options.requirement !== conditional) return false;
    return (
      f.options.requiredWhen.some((c: any) => this.holds(plan, c, m)) ||
      f.options.requiredFor.some((p: number) => this.belongs(p))
    );
  }

  private holds(plan: Planned[], c: any, m: ReflectMessage): boolean {
    const other = plan.find((p) => p.desc.name === c.field);
    if (other === undefined) return false;
    const filled = m.isSet(other.desc);
    if (c.codes.length === 0) return filled !== c.not;
    const some = codesIn(other.desc, m).some((code) => c.codes.includes(code));
    return filled && some !== c.not;
  }

  private belongs(population: number): boolean {
    switch (population) {
      case 1:
        return this.person.ageYears !== undefined && this.person.ageYears >= agedYears;
      case 2:
        return this.person.rural;
      case 3:
        return this.person.sex === 2;
      case 4:
        return this.person.sex === 1;
    }
    return false;
  }

  private field(f: Planned, v: any, path: string): void {
    switch (f.desc.fieldKind) {
      case "map":
        return this.keyed(f, v, path);
      case "list":
        return this.list(f, v, path);
      case "message":
        return this.message(f.parts!(), v, path + ".", f.wants);
      default:
        this.single(f, v, path);
    }
  }

  private single(f: Planned, v: any, path: string): void {
    if (f.codes !== undefined) return this.code(f, v, path);
    if (typeof v === "string") {
      const n = [...v].length;
      if (f.options.maxCharacters > 0 && n > f.options.maxCharacters) this.size(f, path, n, f.options.maxCharacters);
    } else if (typeof v === "number" || typeof v === "bigint") {
      this.number(f, BigInt(v), path);
    }
  }

  private size(f: Planned, path: string, n: number, most: number): void {
    this.report(Check.Size, f, path, { value: both(String(n)), max: String(most) });
  }

  private code(f: Planned, code: number, path: string): void {
    if (!f.codes!.has(code)) this.report(Check.UnknownCode, f, path, { value: both(String(code)) });
  }

  private number(f: Planned, n: bigint, path: string): void {
    const isDate = f.options.format === civilDate;
    if (isDate && !valid(n)) return this.report(Check.Date, f, path, { value: both(n.toString()) });
    const text = (v: bigint): string => (isDate ? dateText(v) : decimal(v, f.options.decimals));
    for (const [check, range] of [
      [Check.HardRange, f.options.hard],
      [Check.WarnRange, f.options.warn],
    ] as const) {
      if (range === undefined || !outside(range, n)) continue;
      if (!this.confirmed.has(`${n} ${path}`)) {
        const min = range.min === undefined ? "" : text(range.min);
        const max = range.max === undefined ? "" : text(range.max);
        this.report(check, f, path, { value: both(text(n)), min, max });
      }
      return;
    }
  }

  private list(f: Planned, list: any, path: string): void {
    this.entries(f, list.size, path);
    const codes: number[] = [];
    for (let i = 0; i < Math.min(list.size, mostEntries); i++) {
      const v = list.get(i);
      if (f.parts !== undefined) this.message(f.parts(), v, `${path}[${i}].`, new Set());
      else if (f.codes !== undefined) {
        codes.push(v);
        this.code(f, v, path);
      } else this.single(f, v, `${path}[${i}]`);
    }
    this.alone(f, f, codes, path);
  }

  private keyed(f: Planned, map: any, path: string): void {
    this.entries(f, map.size, path);
    if (f.parts === undefined) return;
    const plan = f.parts();
    const keys = [...map.keys()].sort((a, b) => (bytes(a) < bytes(b) ? -1 : 1)).slice(0, mostEntries);
    const codes = new Map<Planned, number[]>();
    for (const key of keys) {
      const m: ReflectMessage = map.get(key);
      this.message(plan, m, `${path}[${key}].`, new Set());
      for (const part of plan) {
        if (part.codes === undefined || part.desc.fieldKind === "list" || !m.isSet(part.desc)) continue;
        codes.set(part, [...(codes.get(part) ?? []), m.get(part.desc) as number]);
      }
    }
    for (const part of plan) this.alone(f, part, codes.get(part) ?? [], path);
  }

  private entries(f: Planned, n: number, path: string): void {
    if (f.options.maxEntries > 0 && n > f.options.maxEntries) this.size(f, path, n, f.options.maxEntries);
  }

  private alone(shown: Planned, list: Planned, codes: number[], path: string): void {
    const found = codes.find((code) => list.codes?.get(code) && codes.some((other) => other !== code));
    if (found === undefined || !("enum" in list.desc) || list.desc.enum === undefined) return;
    this.report(Check.ExclusiveCode, shown, path, { value: this.labels.of(list.desc.enum, BigInt(found)) });
  }
}

const both = (text: string): Words => ({ zh: text, en: text });

const outside = (r: any, n: bigint): boolean =>
  (r.min !== undefined && n < BigInt(r.min)) || (r.max !== undefined && n > BigInt(r.max));

/** Keys in the order of their bytes, as Go sorts them. */
const bytes = (key: string): string =>
  [...new TextEncoder().encode(key)].map((b) => b.toString(16).padStart(2, "0")).join("");

const isBool = (f: DescField): boolean => f.fieldKind === "scalar" && f.scalar === 8;

function codesIn(f: DescField, m: ReflectMessage): number[] {
  if (f.fieldKind === "enum") return [m.get(f) as number];
  if (f.fieldKind === "list" && f.listKind === "enum") return [...(m.get(f) as Iterable<unknown>)] as number[];
  return [];
}
