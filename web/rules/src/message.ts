// SPDX-License-Identifier: Apache-2.0

// How a message is written: the counterpart of message.go.

import type { DescEnum, DescExtension, Registry } from "@bufbuild/protobuf";
import { getOption, hasOption } from "@bufbuild/protobuf";
import { dateText } from "./dates.js";

/** What people see, in Chinese and English. */
export interface Words {
  zh: string;
  en: string;
}

export interface Piece {
  text: string;
  /** The place of a value, -1 for none. */
  value: number;
}

const placeholder = /\{([^{}]*)\}/g;

/** Splits words at their placeholders, with thresholds written in. */
export function pieces(words: string, names: string[], threshold: (id: string) => string): Piece[] {
  const out: Piece[] = [];
  let text = "";
  let at = 0;
  for (const found of words.matchAll(placeholder)) {
    text += words.slice(at, found.index);
    at = found.index + found[0].length;
    const name = found[1];
    if (name.startsWith("t.")) {
      text += threshold(name.slice(2));
      continue;
    }
    const value = names.indexOf(name);
    if (value < 0) throw new Error(`the message names {${name}}, and there is no such value`);
    out.push({ text, value });
    text = "";
  }
  out.push({ text: text + words.slice(at), value: -1 });
  return out;
}

export function write(all: Piece[], values: string[]): string {
  return all.map((p) => p.text + (p.value < 0 ? "" : values[p.value])).join("");
}

export type Written = bigint | string | Iterable<unknown>;

const each = (v: Written, one: (n: bigint) => string): string =>
  typeof v === "bigint" ? one(v) : [...(v as Iterable<unknown>)].map((n) => one(n as bigint)).join(", ");

/** A number, numbers with commas, or a text. */
export function plain(v: Written, decimals: number): string {
  return typeof v === "string" ? v : each(v, (n) => decimal(n, decimals));
}

/** A number that is divided by ten to the power of decimals. */
export function decimal(n: bigint, decimals: number): string {
  if (decimals === 0) return n.toString();
  const sign = n < 0n ? "-" : "";
  const digits = (n < 0n ? -n : n).toString().padStart(decimals + 1, "0");
  return `${sign}${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

export const dates = (v: Written): string => each(v, dateText);

/** The labels of code lists. */
export class Labels {
  private readonly code: DescExtension;

  constructor(private readonly registry: Registry) {
    const code = registry.getExtension("xunzhen.schema.v1.code");
    if (code === undefined) throw new Error("the schema has no options for codes");
    this.code = code;
  }

  list(name: string): DescEnum | undefined {
    return this.registry.getEnum("xunzhen.care.v1." + name);
  }

  of(list: DescEnum, n: bigint): Words {
    const value = n === BigInt.asIntN(32, n) ? list.value[Number(n)] : undefined;
    if (value !== undefined && hasOption(value, this.code)) {
      const o = getOption(value, this.code) as any;
      if (o.zh !== "") return { zh: o.zh, en: o.en };
    }
    return { zh: n.toString(), en: n.toString() };
  }

  write(list: DescEnum, v: Written): Words {
    return { zh: each(v, (n) => this.of(list, n).zh), en: each(v, (n) => this.of(list, n).en) };
  }

  /** The codes of a list without "not answered", and whether each stands alone. */
  codes(list: DescEnum): Map<number, boolean> {
    const out = new Map<number, boolean>();
    for (const value of list.values) {
      if (value.number === 0) continue;
      out.set(value.number, hasOption(value, this.code) && (getOption(value, this.code) as any).exclusive);
    }
    return out;
  }
}
