import { once } from "node:events";
import { pump } from "@cairnfs/base/pump";
import type { Context } from "./context.ts";
import { showName } from "./format.ts";
import { jsonText } from "./json-text.ts";
import { Progress } from "./progress.ts";
import { type Column, tableLines } from "./table.ts";

export interface OutputOptions {
  /** One JSON document, or one a line for lists. */
  readonly json?: boolean | undefined;
  /** No progress and no summaries. */
  readonly quiet?: boolean | undefined;
}

/** Where a command's results go: stdout, for a person or as JSON. Progress and remarks go to a terminal's stderr only. */
export class Output {
  readonly isJson: boolean;
  readonly #context: Context;
  readonly #isQuiet: boolean;

  constructor(context: Context, options: OutputOptions) {
    this.#context = context;
    this.isJson = options.json === true;
    this.#isQuiet = options.quiet === true;
  }

  /** Whether a person reads stdout. */
  get isTerminal(): boolean {
    return this.#context.stdout.isTTY === true;
  }

  /** A name as the reader can take it: unharmed in a pipe, harmless on a terminal. */
  name(name: string): string {
    return this.isTerminal ? showName(name) : name;
  }

  /** Resolves when stdout takes more. */
  async line(text: string): Promise<void> {
    await this.raw(`${text}\n`);
  }

  async lines(lines: Iterable<string>): Promise<void> {
    const text = [...lines].map((line) => `${line}\n`).join("");
    if (text !== "") await this.raw(text);
  }

  async table(columns: readonly Column[], rows: readonly (readonly string[])[]): Promise<void> {
    await this.lines(tableLines(columns, rows));
  }

  /** A JSON document on a line of its own. */
  async json(document: unknown): Promise<void> {
    await this.line(jsonText(document));
  }

  async raw(text: string): Promise<void> {
    const { stdout, signal } = this.#context;
    if (!stdout.write(text)) await once(stdout, "drain", { signal });
  }

  /** Bytes to stdout at the reader's pace. */
  async bytes(parts: AsyncIterable<Uint8Array>): Promise<void> {
    await pump(parts, this.#context.stdout, this.#context.signal);
  }

  /** Progress on a terminal; a counter elsewhere. */
  progress(): Progress {
    const { stderr, clock } = this.#context;
    return new Progress(clock, this.#isChatty ? stderr : undefined);
  }

  /** What a person may like to know and a script must not see. */
  remark(text: string): void {
    if (this.#isChatty) this.#context.stderr.write(`${text}\n`);
  }

  get #isChatty(): boolean {
    return this.#context.stderr.isTTY === true && !this.isJson && !this.#isQuiet;
  }
}
