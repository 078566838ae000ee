// SPDX-License-Identifier: Apache-2.0

// What rules see of a person: the counterpart of person.go and facts.go.

import { type DescMessage, type Message, create } from "@bufbuild/protobuf";
import { ageOn, dateOf, floor, whole } from "./dates.js";

/** A form, with its fields by their names in lowerCamelCase. */
export type Form = Message & Record<string, any>;

/** One record of a person. */
export interface Entry {
  /** 32 hexadecimal digits. */
  id: string;
  /** The kind by name, "checkup". */
  kind: string;
  form: Form;
  voided?: boolean;
  /** When it was captured, UTC milliseconds. */
  capturedAtMs: number;
}

export interface Timed extends Entry {
  day: bigint;
}

const conditions = [2, 3, 6, 7, 13, 15, 16, 17];
const conditionOf: Record<number, number> = { 2: 2, 3: 3, 4: 16, 5: 13, 6: 17, 7: 15, 8: 6, 9: 7 };

interface Tag {
  code: number;
  since: bigint;
  until: bigint;
}

/** All records of one person; Pack.person makes one. It never changes. */
export class Person {
  readonly entries: Entry[];
  readonly timelines = new Map<string, Timed[]>();
  private resident?: Form;
  private rural = false;
  private birth = 0n;
  private died = 0n;
  private readonly turns: { day: bigint; back: boolean }[] = [];
  private readonly tags: Tag[] = [];
  private readonly diagnoses: { code: number; since: bigint }[] = [];

  constructor(
    readonly id: string,
    entries: Entry[],
    /** Of a message by name, the field that says what day the form is about, if there is one. */
    private readonly dateField: (typeName: string) => string | undefined,
  ) {
    const byID = new Map<string, Entry>();
    for (const e of entries) byID.set(e.id, e);
    this.entries = [...byID.values()].filter((e) => !e.voided).sort((a, b) => compare(a.id, b.id));
    for (const e of this.entries) {
      const line = this.timelines.get(e.kind) ?? [];
      this.timelines.set(e.kind, line);
      line.push({ ...e, day: this.dayOf(e) });
      if (e.kind === "resident") this.add(e.form);
      if (e.kind === "vital_event") this.happened(e.form);
    }
    for (const line of this.timelines.values()) {
      line.sort((a, b) => compare(b.day, a.day) || compare(b.capturedAtMs, a.capturedAtMs) || compare(b.id, a.id));
    }
    this.turns.sort((a, b) => compare(a.day, b.day));
    this.tags.sort((a, b) => a.code - b.code || compare(a.since, b.since));
  }

  /** The person with e in the place of the entry that has its id, or in addition. */
  with(e: Entry): Person {
    return new Person(this.id, [...this.entries, e], this.dateField);
  }

  /** The date that stands first on the form, or that of its capture. */
  private dayOf(e: Entry): bigint {
    const name = this.dateField(e.form.$typeName);
    const d = name === undefined ? 0 : e.form[name];
    return d > 0 && whole(BigInt(d)) ? BigInt(d) : dateOf(e.capturedAtMs);
  }

  private add(r: Form): void {
    if (this.resident === undefined) {
      this.resident = r;
      const code: string = r.address?.divisionCode ?? "";
      this.rural = new TextEncoder().encode(code).length === 12 && (code[9] === "2" || code[9] === "3");
      this.birth = whole(BigInt(r.birthDate)) ? BigInt(r.birthDate) : 0n;
    }
    if (r.death?.dead && r.death.diedOn > 0) this.died = earlier(this.died, BigInt(r.death.diedOn));
    const end = r.managementEnd;
    if (end !== undefined && end.endedOn > 0 && end.reason !== 1) {
      this.turns.push({ day: BigInt(end.endedOn), back: false });
    }
    for (const t of Object.values<any>(r.tags)) {
      this.tags.push({ code: t.code, since: BigInt(t.since), until: BigInt(t.until) });
    }
    for (const d of Object.values<any>(r.pastDiseases)) {
      const code = conditionOf[d.code];
      if (code !== undefined) this.diagnoses.push({ code, since: floor(BigInt(d.diagnosedOn)) });
    }
  }

  private happened(e: Form): void {
    if (e.eventDate <= 0) return;
    const day = BigInt(e.eventDate);
    if (e.type === 1) this.died = earlier(this.died, day);
    if (e.type === 2 || e.type === 4) this.turns.push({ day, back: false });
    if (e.type === 3 || e.type === 5) this.turns.push({ day, back: true });
  }

  private leftBefore(day: bigint): bigint {
    let left = 0n;
    for (const t of this.turns) {
      if (t.back && t.day <= day) left = 0n;
      else if (!t.back && t.day < day && left === 0n) left = t.day;
    }
    return left;
  }

  /** What rules see of the person on a day, as a RulePerson. */
  on(desc: DescMessage, day: bigint): Form {
    const left = this.leftBefore(day);
    const gone = (this.died !== 0n && day > this.died) || left !== 0n;
    const tags: number[] = [];
    const known = new Map<number, { code: number; since: bigint; managed: boolean }>();
    const note = (code: number, since: bigint, managed: boolean): void => {
      const c = known.get(code) ?? { code, since: 0n, managed: false };
      known.set(code, c);
      if (since !== 0n) c.since = earlier(c.since, since);
      c.managed ||= managed;
    };
    for (const t of this.tags) {
      const holds = floor(t.since) <= day && (t.until === 0n || day <= t.until) && !gone;
      if (holds && !tags.includes(t.code)) tags.push(t.code);
      if (conditions.includes(t.code)) note(t.code, floor(t.since), holds);
    }
    for (const d of this.diagnoses) note(d.code, d.since, false);
    const all = [...known.values()].sort((a, b) => a.code - b.code);
    const out = create(desc, {
      sex: this.resident?.sex ?? 0,
      birthDate: this.resident?.birthDate ?? 0,
      rural: this.rural,
      diedOn: Number(this.died),
      leftOn: Number(left),
      resident: this.resident,
      tags,
      conditions: all.map((c) => ({ code: c.code, since: Number(c.since), managed: c.managed })),
      known: all.filter((c) => c.since <= day).map((c) => c.code),
    } as any) as Form;
    if (this.birth !== 0n && whole(day) && this.birth <= day) out.ageYears = Number(ageOn(this.birth, day));
    return out;
  }
}

const compare = <T extends string | number | bigint>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

const earlier = (a: bigint, b: bigint): bigint => (a === 0n || b < a ? b : a);
