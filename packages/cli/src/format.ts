const SIZE_UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"] as const;

/** A size for people, three digits or so: 1.5 KiB, 240 MiB. */
export function humanSize(sizeBytes: number): string {
  let amount = sizeBytes;
  let unit = 0;
  while (amount >= 1023.5 && unit < SIZE_UNITS.length - 1) {
    amount /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || amount >= 99.95 ? amount.toFixed(0) : amount.toFixed(1);
  return `${digits} ${SIZE_UNITS[unit]}`;
}

/** Exact where exactness was asked for, for people otherwise. */
export function shownSize(sizeBytes: number, isExact: boolean): string {
  return isExact ? String(sizeBytes) : humanSize(sizeBytes);
}

export function humanRate(bytesPerSecond: number): string {
  return `${humanSize(bytesPerSecond)}/s`;
}

/** A count with its thousands set apart: 1,203. */
export function humanCount(count: number): string {
  return count.toLocaleString("en-US");
}

/** 3 files, 1 file. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${humanCount(count)} ${count === 1 ? noun : plural}`;
}

/** A span for people: 0.3 s, 12 s, 3:05, 2:03:05. */
export function humanDuration(durationMs: number): string {
  const seconds = durationMs / 1000;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 59.5) return `${seconds.toFixed(0)} s`;
  return clockSpan(seconds);
}

/** Minutes and seconds, hours when there are any: 0:05, 3:05, 2:03:05. */
export function clockSpan(seconds: number): string {
  const whole = Math.round(seconds);
  const two = (part: number) => String(part).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(whole % 60)}`
    : `${minutes}:${two(whole % 60)}`;
}

/** How long ago, for people: 4 s ago, 3 min ago, 2 days ago. */
export function humanAgo(durationMs: number): string {
  const seconds = Math.max(0, Math.round(durationMs / 1000));
  if (seconds < 100) return `${seconds} s ago`;
  if (seconds < 100 * 60) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86_400)} days ago`;
}

/** How soon, for people: in 4 s, in 3 min, in 2 days; now when it is over. */
export function humanIn(durationMs: number): string {
  const ago = humanAgo(durationMs);
  return durationMs <= 0 ? "now" : `in ${ago.slice(0, -" ago".length)}`;
}

/** Local time to the minute: 2026-03-01 12:05. */
export function localTime(timeMs: number): string {
  const time = new Date(timeMs);
  const two = (part: number) => String(part).padStart(2, "0");
  const day = [time.getFullYear(), two(time.getMonth() + 1), two(time.getDate())].join("-");
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** Permission bits the way ls shows them: drwxr-xr-x. */
export function modeText(mode: number, isDirectory: boolean): string {
  const letters = "rwxrwxrwx";
  let text = isDirectory ? "d" : "-";
  for (let bit = 0; bit < 9; bit++) text += mode & (0o400 >> bit) ? letters[bit] : "-";
  return text;
}

const ESCAPES: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/** A name that cannot steer the terminal: control characters are shown as escapes. */
export function showName(name: string): string {
  return name.replaceAll(
    // Controls, and marks that turn the direction of what follows.
    /[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu,
    (character) => ESCAPES[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
