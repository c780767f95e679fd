import { Limit } from "@cairnfs/base/limit";
import type { Context } from "../context.ts";
import { CommandFailure, showFailure } from "../failure.ts";
import { counted, showName } from "../format.ts";
import type { Output } from "../output.ts";
import type { Progress } from "../progress.ts";

/** Failures that are told one by one; the rest are counted. */
const FAILURES_SHOWN_MAX = 20;

/** What happened to one file, for `--json` and `--verbose`. */
export interface Done {
  readonly source: string;
  readonly target: string;
  readonly sizeBytes: number;
}

/**
 * Transfers of many files at once, at most `parallel`. One that fails is told and does not stop the others; `finish` says
 * so in the end.
 */
export class ManyTransfers {
  readonly progress: Progress;
  readonly #context: Context;
  readonly #output: Output;
  readonly #isVerbose: boolean;
  readonly #limit: Limit;
  readonly #parallel: number;
  readonly #underway = new Set<Promise<void>>();
  #doneCount = 0;
  #failures = 0;
  #firstFailure: unknown;

  constructor(
    context: Context,
    output: Output,
    { parallel, isVerbose }: { readonly parallel: number; readonly isVerbose: boolean },
  ) {
    this.#context = context;
    this.#output = output;
    this.#isVerbose = isVerbose;
    this.#limit = new Limit(parallel);
    this.#parallel = parallel;
    this.progress = output.progress();
  }

  /** Resolves when there is room for another: who finds files goes no further ahead than that. */
  async start(name: string, transfer: () => Promise<Done>): Promise<void> {
    this.#context.signal.throwIfAborted();
    const running: Promise<void> = this.#limit
      .run(transfer)
      .then((done) => this.#done(done))
      .catch((error: unknown) => this.failed(name, error))
      .finally(() => this.#underway.delete(running));
    this.#underway.add(running);
    if (this.#underway.size > this.#parallel * 2) await Promise.race(this.#underway);
  }

  /** One file could not be done. */
  failed(name: string, error: unknown): void {
    if (this.#context.signal.aborted) return;
    this.#failures += 1;
    this.#firstFailure ??= error;
    if (this.#failures > FAILURES_SHOWN_MAX) return;
    const { message } = showFailure(error);
    const shown = showName(name);
    this.tell(`cairn: ${message.startsWith(shown) ? message : `${shown}: ${message}`}`);
  }

  /** Something that is no failure and should be known all the same. */
  tell(line: string): void {
    this.progress.clear();
    this.#context.stderr.write(`${line}\n`);
  }

  /** Resolves when all are done; rejects when some failed, or when the user has interrupted. */
  async finish(): Promise<void> {
    await Promise.all(this.#underway);
    this.progress.stop();
    this.#context.signal.throwIfAborted();
    if (this.#failures === 0) {
      this.#output.remark(this.progress.summary());
      return;
    }
    if (this.#doneCount === 0 && this.#failures === 1) throw new SaidAlready(this.#firstFailure);
    throw new CommandFailure(
      "partial",
      `${counted(this.#failures, "file")} failed, ${counted(this.#doneCount, "file")} done`,
      "run the command again for what failed",
    );
  }

  /** Ends what is under way after the walk has failed, and leaves nothing behind. */
  async settle(): Promise<void> {
    await Promise.all(this.#underway);
    this.progress.stop();
  }

  async #done(done: Done): Promise<void> {
    this.#doneCount += 1;
    this.progress.fileDone();
    if (this.#output.isJson) await this.#output.json(done);
    else if (this.#isVerbose) {
      this.progress.clear();
      await this.#output.line(
        `${this.#output.name(done.source)} -> ${this.#output.name(done.target)}`,
      );
    }
  }
}

/** The one failure of a command with one file, which has been told with the file's name. */
export class SaidAlready extends CommandFailure {
  constructor(error: unknown) {
    const { exit, advice } = showFailure(error);
    super(exit, "", advice);
  }
}
