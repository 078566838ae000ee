// SPDX-License-Identifier: Apache-2.0

// Civil dates as forms store them, yyyymmdd, and resident numbers: what rules call, total like functions.go. Every
// function gives what the one of that name gives in Go.

const firstDate = 10101n;
const lastDate = 99991231n;
const furthest = 4_000_000n;

const clamp = (n: bigint, low: bigint, high: bigint): bigint => (n < low ? low : n > high ? high : n);

/** The days from 1970-01-01 to d in the proleptic Gregorian calendar. */
export function dayNumber(d: bigint): bigint {
  d = clamp(d, firstDate, lastDate);
  let y = d / 10000n;
  const m = clamp((d / 100n) % 100n, 1n, 12n);
  const day = d % 100n < 1n ? 1n : d % 100n;
  if (m <= 2n) y--;
  const era = y / 400n;
  const ofEra = y - era * 400n;
  const ofYear = (153n * ((m + 9n) % 12n) + 2n) / 5n + day - 1n;
  return era * 146097n + ofEra * 365n + ofEra / 4n - ofEra / 100n + ofYear - 719468n;
}

/** The inverse of dayNumber. */
export function dateAt(n: bigint): bigint {
  n += 719468n;
  const era = n / 146097n;
  const ofEra = n - era * 146097n;
  const year = (ofEra - ofEra / 1460n + ofEra / 36524n - ofEra / 146096n) / 365n;
  const ofYear = ofEra - (365n * year + year / 4n - year / 100n);
  const m = (5n * ofYear + 2n) / 153n;
  const day = ofYear - (153n * m + 2n) / 5n + 1n;
  const y = year + era * 400n + (m >= 10n ? 1n : 0n);
  return y * 10000n + (((m + 2n) % 12n) + 1n) * 100n + day;
}

/** Whether d is a day of the calendar. */
export function whole(d: bigint): boolean {
  return d >= firstDate && d <= lastDate && dateAt(dayNumber(d)) === d;
}

/** Whether d is a day, a month or a year of the calendar. */
export function valid(d: bigint): boolean {
  if (d <= 0n || d > lastDate) return false;
  if (d % 10000n === 0n) return d >= 10000n;
  return whole(d % 100n === 0n ? d + 1n : d);
}

export const daysBetween = (a: bigint, b: bigint): bigint => dayNumber(b) - dayNumber(a);

export function addDays(d: bigint, n: bigint): bigint {
  return dateAt(clamp(dayNumber(d) + clamp(n, -furthest, furthest), dayNumber(firstDate), dayNumber(lastDate)));
}

export function addMonths(d: bigint, n: bigint): bigint {
  d = dateAt(dayNumber(d));
  let months = (d / 10000n) * 12n + ((d / 100n) % 100n) - 1n + clamp(n, -furthest, furthest);
  months = clamp(months, 12n, 9999n * 12n + 11n);
  const first = (months / 12n) * 10000n + ((months % 12n) + 1n) * 100n;
  for (let day = d % 100n; day > 28n; day--) {
    if (whole(first + day)) return first + day;
  }
  return first + (d % 100n < 28n ? d % 100n : 28n);
}

export function monthsOn(born: bigint, d: bigint): bigint {
  if (!whole(born) || !whole(d) || d < born) return -1n;
  const months = (d / 10000n - born / 10000n) * 12n + ((d / 100n) % 100n) - ((born / 100n) % 100n);
  return d % 100n < born % 100n ? months - 1n : months;
}

export function ageOn(born: bigint, d: bigint): bigint {
  const months = monthsOn(born, d);
  return months < 0n ? -1n : months / 12n;
}

export function roundDiv(a: bigint, b: bigint): bigint {
  if (a < 0n || b <= 0n) return 0n;
  const rest = a % b;
  return a / b + (rest >= b - rest ? 1n : 0n);
}

/** The civil date of an instant in Asia/Shanghai. */
export function dateOf(ms: number): bigint {
  const d = new Date(ms + 8 * 3600 * 1000);
  return BigInt(d.getUTCFullYear() * 10000 + (d.getUTCMonth() + 1) * 100 + d.getUTCDate());
}

/** A date with what is not known of it as the first; 0 for none. */
export const floor = (d: bigint): bigint => (d <= 0n ? 0n : dateAt(dayNumber(d)));

/** yyyy-mm-dd, or the digits of what is no day. */
export function dateText(d: bigint): string {
  if (!whole(d)) return d.toString();
  const s = d.toString().padStart(8, "0");
  return `${s.slice(0, 4)}-${s.slice(4, 6)}-${s.slice(6)}`;
}

/** The 18 characters of a resident number, "" for a text that holds none. */
function residentNumber(text: string): string {
  let n = "";
  for (let c of text) {
    let r = c.codePointAt(0)!;
    if (r >= 0xff01 && r <= 0xff5e) c = String.fromCodePoint((r = r - 0xff01 + 0x21));
    if (c === "-" || r === 0x200b || r === 0xfeff || r === 0x85 || /\s/u.test(c)) continue;
    n += r < 0x7f ? c.toUpperCase() : c;
  }
  if (!/^[0-9]{17}[0-9X]$/.test(n) || !whole(BigInt(n.slice(6, 14)))) return "";
  const weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
  const sum = weights.reduce((all, w, i) => all + w * Number(n[i]), 0);
  return n[17] === "10X98765432"[sum % 11] ? n : "";
}

export function idBirth(text: string): bigint {
  const n = residentNumber(text);
  return n === "" ? 0n : BigInt(n.slice(6, 14));
}

/** 1 for men and 2 for women, 0 if the text is no number. */
export function idSex(text: string): bigint {
  const n = residentNumber(text);
  return n === "" ? 0n : Number(n[16]) % 2 === 1 ? 1n : 2n;
}
