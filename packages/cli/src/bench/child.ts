import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { CommandFailure } from "../failure.ts";

interface Question<Ask> {
  readonly id: number;
  readonly ask: Ask;
}

type Answer<Reply> =
  | { readonly id: number; readonly reply: Reply }
  | { readonly id: number; readonly failure: string };

interface Waiting<Reply> {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

/** A process of our own that answers questions; it ends with this one. */
export class Child<Ask, Reply> {
  readonly pid: number;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting<Reply>>();
  #nextId = 0;

  private constructor(process: ChildProcess, pid: number) {
    this.#process = process;
    this.pid = pid;
    process.on("message", (message) => this.#answered(message));
    process.on("exit", (code, signal) => this.#ended(`${code ?? signal}`));
  }

  /** Starts what is in `file`, a module built beside the one at `base`, which calls `answerQuestions`. */
  static start<Ask, Reply>(file: string, base: string): Child<Ask, Reply> {
    // Node 20 runs no TypeScript: from the sources, what was built is started.
    const at = base.endsWith(".ts") ? base.replace("/src/", "/dist/") : base;
    const process = fork(fileURLToPath(new URL(file, at)), {
      stdio: ["ignore", "ignore", "inherit", "ipc"],
      execArgv: [],
      serialization: "advanced",
    });
    // Without an id it did not start, and says why.
    process.on("error", () => undefined);
    if (process.pid === undefined) throw new CommandFailure("failed", `cannot start ${file}`);
    return new Child(process, process.pid);
  }

  /** Rejects when the child cannot do it, or ends. */
  ask(ask: Ask): Promise<Reply> {
    const id = this.#nextId;
    this.#nextId += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      const question: Question<Ask> = { id, ask };
      this.#process.send(question, (error) => {
        if (error !== null) this.#settle(id)?.reject(error);
      });
    });
  }

  /** Resolves when the process is gone. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, "exit");
    this.#process.kill("SIGKILL");
    await gone;
  }

  #answered(message: unknown): void {
    // The child is of our own build, and sends nothing else.
    const answer = message as Answer<Reply>;
    const waiting = this.#settle(answer.id);
    if ("failure" in answer) waiting?.reject(new CommandFailure("failed", answer.failure));
    else waiting?.resolve(answer.reply);
  }

  #ended(how: string): void {
    for (const [id, { reject }] of this.#waiting) {
      this.#waiting.delete(id);
      reject(new CommandFailure("failed", `process ${this.pid} of this bench ended with ${how}`));
    }
  }

  #settle(id: number): Waiting<Reply> | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }
}

/** The child's part: answers every question, several at a time, until the parent is gone. */
export function answerQuestions<Ask, Reply>(answer: (ask: Ask) => Promise<Reply>): void {
  // Ctrl-C reaches us too; the parent decides what becomes of us.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
  process.on("disconnect", () => process.exit(0));
  process.on("message", (message) => {
    // The parent is of our own build, and sends nothing else.
    const { id, ask } = message as Question<Ask>;
    answer(ask).then(
      (reply) => process.send?.({ id, reply }),
      (error: unknown) => {
        const failure = error instanceof Error ? error.message : String(error);
        process.send?.({ id, failure });
      },
    );
  });
}
