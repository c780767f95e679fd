/** One column: its heading, and on which side its cells stand. */
export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** Lines of columns as wide as their widest cell; without headings when no title says anything. */
export function tableLines(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): string[] {
  const titles = columns.map(({ title }) => title);
  const all = titles.some((title) => title !== "") ? [titles, ...rows] : rows;
  const widths = columns.map((_, at) => Math.max(0, ...all.map((row) => width(row[at] ?? ""))));
  return all.map((row) =>
    columns
      .map(({ align }, at) => {
        const cell = row[at] ?? "";
        const gap = " ".repeat((widths[at] ?? 0) - width(cell));
        return align === "right" ? gap + cell : cell + gap;
      })
      .join("  ")
      .trimEnd(),
  );
}

const segments = new Intl.Segmenter();
const WIDE =
  /^(?:\p{Emoji_Presentation}|[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60])/u;

/** How many columns of a terminal the text takes. */
export function width(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: styling takes no room.
  const plain = text.replaceAll(/\u001b\[[\d;]*m/gu, "");
  if (/^[\x20-\x7e]*$/u.test(plain)) return plain.length;
  let columns = 0;
  for (const { segment } of segments.segment(plain)) columns += WIDE.test(segment) ? 2 : 1;
  return columns;
}

/** The text, cut to at most `columnsMax` columns; what is cut is marked. */
export function cut(text: string, columnsMax: number): string {
  if (width(text) <= columnsMax) return text;
  let kept = "";
  let columns = 0;
  for (const { segment } of segments.segment(text)) {
    columns += width(segment);
    if (columns > columnsMax - 1) break;
    kept += segment;
  }
  return `${kept}…`;
}
