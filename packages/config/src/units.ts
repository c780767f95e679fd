const SIZE_UNITS = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  PB: 1e15,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
  PiB: 2 ** 50,
} as const;

const DURATION_UNITS_MS = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 } as const;

/** The bytes that "8MiB", "1.5 GB" or "4096" mean; undefined when it is no size. */
export function parseSize(text: string): number | undefined {
  const match = /^\s*(?<amount>\d+(?:\.\d+)?)\s*(?<unit>[A-Za-z]*)\s*$/u.exec(text);
  if (match?.groups === undefined) return undefined;
  const unit = match.groups.unit === "" ? "B" : match.groups.unit;
  if (unit === undefined || !(unit in SIZE_UNITS)) return undefined;
  // Just checked: the unit is one of the table.
  const sizeBytes = Number(match.groups.amount) * SIZE_UNITS[unit as keyof typeof SIZE_UNITS];
  return Number.isSafeInteger(sizeBytes) ? sizeBytes : undefined;
}

/** The milliseconds that "10s", "1h30m", "500ms" or "250" mean; undefined when it is no duration. */
export function parseDuration(text: string): number | undefined {
  const plain = text.trim();
  if (/^\d+(?:\.\d+)?$/u.test(plain)) return Number(plain);
  if (!/^(?:\d+(?:\.\d+)?\s*(?:ms|s|m|h|d)\s*)+$/u.test(plain)) return undefined;
  let durationMs = 0;
  for (const part of plain.matchAll(/(?<amount>\d+(?:\.\d+)?)\s*(?<unit>ms|s|m|h|d)/gu)) {
    // The pattern admits the units of the table only.
    const unit = part.groups?.unit as keyof typeof DURATION_UNITS_MS;
    durationMs += Number(part.groups?.amount) * DURATION_UNITS_MS[unit];
  }
  return durationMs;
}

/** A size as a configuration file would have it, exactly: 8MiB, 1500. */
export function formatSize(sizeBytes: number): string {
  return formatExactly(sizeBytes, [
    ["PiB", SIZE_UNITS.PiB],
    ["TiB", SIZE_UNITS.TiB],
    ["GiB", SIZE_UNITS.GiB],
    ["MiB", SIZE_UNITS.MiB],
    ["KiB", SIZE_UNITS.KiB],
  ]);
}

/** A duration as a configuration file would have it, exactly: 10s, 1500ms. */
export function formatDuration(durationMs: number): string {
  const text = formatExactly(durationMs, [
    ["d", DURATION_UNITS_MS.d],
    ["h", DURATION_UNITS_MS.h],
    ["m", DURATION_UNITS_MS.m],
    ["s", DURATION_UNITS_MS.s],
  ]);
  return /^\d+(?:\.\d+)?$/u.test(text) && durationMs !== 0 ? `${text}ms` : text;
}

function formatExactly(amount: number, units: readonly (readonly [string, number])[]): string {
  for (const [unit, factor] of units) {
    if (amount >= factor && amount % factor === 0) return `${amount / factor}${unit}`;
  }
  return String(amount);
}
