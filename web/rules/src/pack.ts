// SPDX-License-Identifier: Apache-2.0

// A rule pack in TypeScript: the counterpart of package care/rules. What expressions see, and in what order results
// come, is said there.

import { type CelInput, CelScalar, celEnv, celFunc, isCelError, isCelList, parse, plan } from "@bufbuild/cel";
import { type DescEnum, type DescField, type DescMessage, type Registry, create, fromBinary, getOption, hasOption } from "@bufbuild/protobuf";
import * as dates from "./dates.js";
import { Labels, type Piece, type Words, type Written, dates as writeDates, pieces, plain, write } from "./message.js";
import { type Entry, type Form, Person, type Timed } from "./person.js";
import { type Check, type Issue, Schema } from "./schema.js";

export interface Finding {
  ruleId: string;
  severity: number;
  subjectId: string;
  recordId: string;
  paths: string[];
  zh: string;
  en: string;
  asOf: number;
  fault: boolean;
}

export interface Proposal {
  ruleId: string;
  path: string;
  /** A number, numbers or a text as the field has it; truth values are 0 and 1. */
  value: bigint[] | string;
  zh: string;
  en: string;
}

export interface DueItem {
  ruleId: string;
  kind: string;
  on: number;
  overdue: boolean;
  zh: string;
  en: string;
}

export interface Membership {
  ruleId: string;
  population: number;
  zh: string;
  en: string;
}

const formsPackage = "xunzhen.care.v1";
const maxHistory = 32;
const maxRecords = 64;

type Value = bigint | boolean | string | Iterable<unknown>;
type Expression = (variables: Record<string, CelInput>) => Value;

interface Message {
  values: { expression: Expression; write: (v: Written) => Words }[];
  zh: Piece[];
  en: Piece[];
}

interface KindPack {
  name: string;
  desc: DescMessage;
  empty: Form;
  definitions: { name: string; expression: Expression }[];
  rules: { row: any; place: number; when: Expression; message: Message; paths: string[] }[];
  checks: { row: any; place: number; zh: Piece[]; en: Piece[] }[];
  proposals: { row: any; when: Expression; value: Expression; message: Message }[];
}

const schemaNames = ["field", "value", "min", "max", "unit"];
const int = CelScalar.INT;

/** The functions of functions.go. */
const functions = [
  celFunc("whole", [int], CelScalar.BOOL, dates.whole),
  celFunc("days_between", [int, int], int, dates.daysBetween),
  celFunc("add_days", [int, int], int, dates.addDays),
  celFunc("add_months", [int, int], int, dates.addMonths),
  celFunc("age_on", [int, int], int, dates.ageOn),
  celFunc("months_on", [int, int], int, dates.monthsOn),
  celFunc("round_div", [int, int], int, dates.roundDiv),
  celFunc("id_birth", [CelScalar.STRING], int, dates.idBirth),
  celFunc("id_sex", [CelScalar.STRING], int, dates.idSex),
];

class Failure extends Error {}

/** A rule pack that was loaded. It never changes. */
export class Pack {
  readonly name: string;
  readonly version: string;
  private readonly labels: Labels;
  private readonly schema: Schema;
  private readonly env;
  private readonly compiled = new Map<string, Expression>();
  private readonly kinds = new Map<string, KindPack>();
  private readonly thresholds: Record<string, CelInput> = {};
  private readonly person_: DescMessage;
  private readonly populations_: { row: any; when: Expression }[] = [];
  private readonly due_: { row: any; when: Expression; on: Expression; grace: Expression; ahead: Expression; message: Message }[] = [];

  /**
   * Reads a composed pack: the content of a record of kind rule_pack, unpacked. The registry has the messages of
   * xunzhen.care.v1. A pack that cannot be read is refused whole.
   */
  static load(registry: Registry, content: Uint8Array): Pack {
    const desc = registry.getMessage(formsPackage + ".RulePackContent");
    if (desc === undefined) throw new Error("the schema has no rule packs");
    return new Pack(registry, fromBinary(desc, content) as Form);
  }

  private constructor(
    private readonly registry: Registry,
    private readonly content: Form,
  ) {
    this.name = content.name;
    this.version = content.version;
    this.labels = new Labels(registry);
    this.schema = new Schema(registry, this.labels);
    this.env = celEnv({ namespace: formsPackage, registry, funcs: functions });
    this.person_ = registry.getMessage(formsPackage + ".RulePerson")!;
    for (const t of content.thresholds) this.thresholds["t." + t.id] = thresholdValue(t);
    this.readKinds();
    for (const row of content.definitions) {
      for (const name of row.kinds) {
        this.kind(name).definitions.push({ name: "d." + row.id, expression: this.expression(row.expression) });
      }
    }
    content.rules.forEach((row: any, place: number) => this.rule(row, place));
    for (const row of content.proposals) {
      if (row.off) continue;
      const one = { row, when: this.expression(row.when), value: this.expression(row.value), message: this.message(row) };
      this.kind(row.kind).proposals.push(one);
    }
    for (const row of content.populations) {
      if (!row.off) this.populations_.push({ row, when: this.expression(row.when) });
    }
    for (const row of content.due) this.dueRow(row);
  }

  private readKinds(): void {
    const option = this.registry.getExtension("xunzhen.schema.v1.kind");
    if (option === undefined) throw new Error("the schema has no options for kinds");
    for (const desc of this.registry) {
      if (desc.kind !== "message" || !hasOption(desc, option)) continue;
      const name = (getOption(desc, option) as any).name || snake(desc.name);
      const empty = create(desc) as Form;
      this.kinds.set(name, { name, desc, empty, definitions: [], rules: [], checks: [], proposals: [] });
    }
  }

  private kind(name: string): KindPack {
    const k = this.kinds.get(name);
    if (k === undefined) throw new Error(`no kind is called ${name}`);
    return k;
  }

  private expression(text: string): Expression {
    let e = this.compiled.get(text);
    if (e === undefined) {
      const run = plan(this.env, parse(text));
      e = (variables) => {
        const v = run(variables);
        if (isCelError(v)) throw new Failure(v.message);
        return v as Value;
      };
      this.compiled.set(text, e);
    }
    return e;
  }

  private message(row: any): Message {
    const names = row.values.map((v: any) => v.id);
    const threshold = (id: string): string => this.thresholdText(id);
    return {
      values: row.values.map((v: any) => ({ expression: this.expression(v.expression), write: this.writer(v) })),
      zh: pieces(row.zh, names, threshold),
      en: pieces(row.en, names, threshold),
    };
  }

  private thresholdText(id: string): string {
    const t = this.content.thresholds.find((one: any) => one.id === id);
    if (t === undefined) throw new Error(`no threshold is called ${id}`);
    return plain(thresholdValue(t), t.decimals);
  }

  private writer(v: any): (value: Written) => Words {
    if (v.format === 1) return (value) => same(writeDates(value));
    if (v.format !== 2) return (value) => same(plain(value, v.decimals));
    const list: DescEnum | undefined = this.labels.list(v.codeList);
    if (list === undefined) throw new Error(`no code list is called ${v.codeList}`);
    return (value) => this.labels.write(list, value);
  }

  private rule(row: any, place: number): void {
    const names: string[] = row.kinds.length > 0 ? row.kinds : [...this.kinds.keys()];
    for (const name of names) {
      const k = this.kind(name);
      if (row.off) continue;
      if (row.check !== 0) {
        const threshold = (id: string): string => this.thresholdText(id);
        k.checks.push({ row, place, zh: pieces(row.zh, schemaNames, threshold), en: pieces(row.en, schemaNames, threshold) });
        continue;
      }
      const paths = row.paths.filter((path: string) => hasPath(k.desc, path));
      k.rules.push({ row, place, when: this.expression(row.when), message: this.message(row), paths });
    }
  }

  private dueRow(row: any): void {
    if (row.off) return;
    this.due_.push({
      row,
      when: this.expression(row.when),
      on: this.expression(row.dueOn),
      grace: this.expression(row.graceDays || "0"),
      ahead: this.expression(row.aheadDays || "4000000"),
      message: this.message(row),
    });
  }

  /** All records of one person, in any order. */
  person(id: string, entries: Entry[]): Person {
    return new Person(id, entries, (typeName) => {
      const first = this.registry.getMessage(typeName)?.fields.find((f) => f.number === 1);
      return first !== undefined && first.fieldKind === "scalar" && first.scalar === 5 && /_(date|on)$/.test(first.name)
        ? first.localName
        : undefined;
    });
  }

  /** What the pack finds about one form. */
  check(person: Person, form: Entry, asOf: number): Finding[] {
    const scope = this.scope(person, form, asOf);
    return scope === undefined ? [] : this.findingsOf(scope);
  }

  /** What the pack finds about all records of a person. */
  findings(person: Person, asOf: number): Finding[] {
    return person.entries.flatMap((e) => this.check(person, e, asOf));
  }

  /** What a form is offered. */
  proposals(person: Person, form: Entry, asOf: number): { offers: Proposal[]; faults: Finding[] } {
    const offers: Proposal[] = [];
    const faults: Finding[] = [];
    const scope = this.scope(person, form, asOf);
    for (const p of scope?.kind?.proposals ?? []) {
      if (offers.some((o) => o.path === p.row.path)) continue;
      attempt(
        () => {
          if (p.when(scope!.variables) !== true) return;
          const value = offered(p.value(scope!.variables));
          offers.push({ ruleId: p.row.id, path: p.row.path, value, ...this.words(p.message, scope!) });
        },
        () => faults.push(this.fault(p.row.id, scope!)),
      );
    }
    return { offers, faults };
  }

  /** What is due for a person. */
  due(person: Person, asOf: number): { items: DueItem[]; faults: Finding[] } {
    const items: DueItem[] = [];
    const faults: Finding[] = [];
    const scope = this.personScope(person, asOf);
    for (const d of this.due_) {
      attempt(
        () => {
          if (d.when(scope.variables) !== true) return;
          const [on, grace, ahead] = [d.on, d.grace, d.ahead].map((e) => e(scope.variables) as bigint);
          const left = dates.dayNumber(on) - dates.dayNumber(BigInt(asOf));
          if (left > ahead) return;
          const day = Number(dates.dateAt(dates.dayNumber(on)));
          items.push({ ruleId: d.row.id, kind: d.row.kind, on: day, overdue: -left > grace, ...this.words(d.message, scope) });
        },
        () => faults.push(this.fault(d.row.id, scope)),
      );
    }
    return { items: items.sort((a, b) => a.on - b.on), faults };
  }

  /** The populations that a person belongs to. */
  populations(person: Person, asOf: number): { in: Membership[]; faults: Finding[] } {
    const members: Membership[] = [];
    const faults: Finding[] = [];
    const scope = this.personScope(person, asOf);
    for (const p of this.populations_) {
      attempt(
        () => {
          if (p.when(scope.variables) !== true) return;
          members.push({ ruleId: p.row.id, population: p.row.population, zh: p.row.zh, en: p.row.en });
        },
        () => faults.push(this.fault(p.row.id, scope)),
      );
    }
    return { in: members, faults };
  }

  private findingsOf(scope: Scope): Finding[] {
    const k = scope.kind!;
    const all: { place: number; finding: Finding }[] = [];
    for (const r of k.rules) {
      attempt(
        () => {
          if (r.when(scope.variables) !== true) return;
          const words = this.words(r.message, scope);
          all.push({ place: r.place, finding: { ...this.bare(r.row.id, scope), ...words, severity: r.row.severity, paths: r.paths } });
        },
        () => all.push({ place: r.place, finding: this.fault(r.row.id, scope) }),
      );
    }
    for (const issue of this.schema.issues(k.desc, scope.entry!.form, scope.person)) {
      for (const c of k.checks.filter((one) => one.row.check === (issue.check as Check))) {
        all.push({ place: c.place, finding: { ...this.bare(c.row.id, scope), ...told(c, issue) } });
      }
    }
    return all.sort((a, b) => a.place - b.place).map((one) => one.finding);
  }

  private words(m: Message, scope: Scope): Words {
    const values = m.values.map((v) => v.write(v.expression(scope.variables) as Written));
    return { zh: write(m.zh, values.map((v) => v.zh)), en: write(m.en, values.map((v) => v.en)) };
  }

  private bare(ruleId: string, scope: Scope): Finding {
    const recordId = scope.entry?.id ?? "";
    return { ruleId, severity: 0, subjectId: scope.subject, recordId, paths: [], zh: "", en: "", asOf: scope.asOf, fault: false };
  }

  private fault(id: string, scope: Scope): Finding {
    const zh = `规则 ${id} 无法计算，请联系管理员检查规则包`;
    const en = `rule ${id} could not be evaluated: the rule pack needs to be looked at`;
    return { ...this.bare(id, scope), zh, en, severity: 2, fault: true };
  }

  private scope(person: Person, form: Entry, asOf: number): Scope | undefined {
    const kind = this.kinds.get(form.kind);
    if (form.voided || kind === undefined) return undefined;
    const seen = person.entries.includes(form) ? person : person.with(form);
    const line = seen.timelines.get(form.kind)!;
    const at = line.findIndex((t) => t.id === form.id);
    return this.scopeAt(seen, kind, line, at, asOf);
  }

  private scopeAt(person: Person, kind: KindPack, line: Timed[], at: number, asOf: number): Scope {
    const seen = person.on(this.person_, line[at].day);
    const variables = this.variables(person, seen, asOf);
    variables.r = line[at].form;
    variables.previous = line[at + 1]?.form ?? kind.empty;
    variables.history = line.slice(at + 1, at + 1 + maxHistory).map((t) => t.form);
    for (const d of kind.definitions) lazy(variables, d.name, () => d.expression(variables) as CelInput);
    return { kind, entry: line[at], person: seen, subject: person.id, asOf, variables };
  }

  private personScope(person: Person, asOf: number): Scope {
    const seen = person.on(this.person_, BigInt(asOf));
    return { person: seen, subject: person.id, asOf, variables: this.variables(person, seen, asOf) };
  }

  private variables(person: Person, seen: Form, asOf: number): Record<string, CelInput> {
    const out: Record<string, CelInput> = { ...this.thresholds, person: seen, as_of: BigInt(asOf) };
    for (const name of this.kinds.keys()) {
      out["records." + name] = (person.timelines.get(name) ?? []).slice(0, maxRecords).map((t) => t.form);
    }
    return out;
  }
}

interface Scope {
  kind?: KindPack;
  entry?: Entry;
  person: Form;
  subject: string;
  asOf: number;
  variables: Record<string, CelInput>;
}

/** A definition is evaluated when somebody asks, once. */
function lazy(variables: Record<string, CelInput>, name: string, evaluate: () => CelInput): void {
  let known: { value: CelInput } | undefined;
  Object.defineProperty(variables, name, { enumerable: true, get: () => (known ??= { value: evaluate() }).value });
}

/** Runs an evaluation; a failure of the expression, and nothing else, is told. */
function attempt(evaluate: () => void, failed: () => void): void {
  try {
    evaluate();
  } catch (err) {
    if (!(err instanceof Failure)) throw err;
    failed();
  }
}

const same = (text: string): Words => ({ zh: text, en: text });

function told(c: { row: any; zh: Piece[]; en: Piece[] }, i: Issue): Partial<Finding> & Words {
  const zh = write(c.zh, [i.field.zh, i.value.zh, i.min, i.max, i.unit]);
  const en = write(c.en, [i.field.en, i.value.en, i.min, i.max, i.unit]);
  return { zh, en, severity: c.row.severity, paths: [i.path] };
}

function thresholdValue(t: any): bigint | string | bigint[] {
  switch (t.value.case) {
    case "numbers":
      return t.value.value.values;
    case "text":
      return t.value.value;
  }
  return t.value.value ?? 0n;
}

function offered(v: Value): bigint[] | string {
  if (typeof v === "string") return v;
  if (typeof v === "boolean") return [v ? 1n : 0n];
  return typeof v === "bigint" ? [v] : ([...(isCelList(v) ? v : [])] as bigint[]);
}

function hasPath(desc: DescMessage, path: string): boolean {
  let at: DescMessage | undefined = desc;
  for (const name of path.split(".")) {
    const f: DescField | undefined = at?.fields.find((one) => one.name === name);
    if (f === undefined) return false;
    at = f.fieldKind === "message" ? f.message : undefined;
  }
  return true;
}

const snake = (name: string): string => name.replace(/(?<!^)[A-Z]/g, (c) => "_" + c).toLowerCase();
