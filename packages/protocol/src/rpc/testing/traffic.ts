import { SystemClock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";

const clock = new SystemClock();

/** The error that the call fails with. */
export async function failureOf(
  call: Promise<unknown> | (() => Promise<unknown>),
): Promise<CairnError> {
  try {
    await (typeof call === "function" ? call() : call);
  } catch (error) {
    if (error instanceof CairnError) return error;
    throw error;
  }
  throw new Error("the call succeeded and should have failed");
}

export async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const gathered: T[] = [];
  for await (const item of items) gathered.push(item);
  return gathered;
}

/** The value when it has stopped growing. */
export async function settled(read: () => number): Promise<number> {
  let before = -1;
  let same = 0;
  while (same < 5) {
    const now = read();
    same = now === before ? same + 1 : 0;
    before = now;
    await clock.sleep(20);
  }
  return before;
}

export function bytes(sizeBytes: number): Uint8Array {
  const filled = new Uint8Array(sizeBytes);
  for (let at = 0; at < sizeBytes; at++) filled[at] = at;
  return filled;
}

export function same(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

/** An EchoRequest or EchoResponse of a payload between 2 MiB and 256 MiB: five bytes before it. */
export function raw(payload: Uint8Array): Uint8Array {
  const message = new Uint8Array(payload.byteLength + 5);
  const size = payload.byteLength;
  message.set([
    0x7a,
    (size & 0x7f) | 0x80,
    ((size >> 7) & 0x7f) | 0x80,
    ((size >> 14) & 0x7f) | 0x80,
  ]);
  message[4] = size >> 21;
  message.set(payload, 5);
  return message;
}

export async function* payloads(count: number, sizeBytes: number) {
  for (let index = 0; index < count; index++) yield { payload: bytes(sizeBytes) };
}

export interface Said {
  readonly behaviour?: string;
  readonly index?: number;
}

/** Requests that note how many were taken, and that they were let go. */
export class Source {
  sentBytes = 0;
  readonly returned: Promise<void>;
  readonly #payload: Uint8Array;
  #onReturn: () => void = () => undefined;

  constructor(sizeBytes: number) {
    this.#payload = bytes(sizeBytes);
    this.returned = new Promise((resolve) => {
      this.#onReturn = resolve;
    });
  }

  endless(said: Said): AsyncGenerator<Said & { payload: Uint8Array }> {
    return this.limited(Number.POSITIVE_INFINITY, said);
  }

  async *limited(count: number, said: Said): AsyncGenerator<Said & { payload: Uint8Array }> {
    try {
      for (let index = 0; index < count; index++) {
        yield { ...said, payload: this.#payload };
        this.sentBytes += this.#payload.byteLength;
      }
    } finally {
      this.#onReturn();
    }
  }
}

/** Requests that come when they are said. */
export class Turns implements AsyncIterableIterator<Said> {
  #said: Said[] = [];
  #hasEnded = false;
  #onChange: () => void = () => undefined;

  [Symbol.asyncIterator](): this {
    return this;
  }

  say(said: Said): void {
    this.#said.push(said);
    this.#onChange();
  }

  end(): void {
    this.#hasEnded = true;
    this.#onChange();
  }

  async next(): Promise<IteratorResult<Said>> {
    for (;;) {
      const said = this.#said.shift();
      if (said !== undefined) return { done: false, value: said };
      if (this.#hasEnded) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
  }

  async return(): Promise<IteratorResult<Said>> {
    this.end();
    return { done: true, value: undefined };
  }
}
