import type { ServerResponse } from "node:http";
import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { S3Reply } from "../s3/operation.ts";

export interface SendOptions {
  readonly isHead: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly clock: Clock;
  /** How long the client may take none of the reply. */
  readonly stallMs: number;
  readonly signal: AbortSignal;
  /** Waited for between the last byte of the reply and the end of the connection. */
  readonly beforeEnd?: (() => Promise<void>) | undefined;
}

/** What is handed to the socket before it has taken what came before. */
const UNDERWAY_BYTES = 1536 * 1024;

/** What a whole reply is handed to the socket at once. */
const SLICE_BYTES = 128 * 1024;

/** Sends a reply to its end, at the pace of the client. */
export async function sendReply(
  response: ServerResponse,
  reply: S3Reply,
  options: SendOptions,
): Promise<void> {
  const { body } = reply;
  const headers: Record<string, string | number> = { ...options.headers, ...reply.headers };
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) {
    await sendWhole(response, { ...reply, body }, headers, options);
    return;
  }
  response.writeHead(reply.status, headers);
  if (options.isHead) {
    response.end();
    return;
  }
  const { giveBack } = reply;
  for await (const part of body) {
    options.signal.throwIfAborted();
    const sent = written(response, part, options);
    if (giveBack === undefined) {
      // Parts are good until the next one is asked for, so the socket has to be done with this one.
      await sent;
      continue;
    }
    // A reply that breaks off leaves its parts to themselves.
    sent.then(() => giveBack(part)).catch(() => undefined);
    if (response.writableLength >= UNDERWAY_BYTES) await sent;
  }
  response.end();
  await ended(response, options);
}

async function sendWhole(
  response: ServerResponse,
  { status, body }: S3Reply & { readonly body?: string | Uint8Array | undefined },
  headers: Record<string, string | number>,
  options: SendOptions,
): Promise<void> {
  const { isHead } = options;
  if (typeof body === "string") headers["content-type"] ??= "application/xml";
  const hasLength = headers["content-length"] !== undefined;
  if (!hasLength && status !== 204 && status !== 304 && !isHead) {
    headers["content-length"] = body === undefined ? 0 : Buffer.byteLength(body);
  }
  response.writeHead(status, headers);
  await hand(response, isHead ? undefined : body, options);
  await ended(response, options);
}

async function hand(
  response: ServerResponse,
  body: string | Uint8Array | undefined,
  options: SendOptions,
): Promise<void> {
  const { beforeEnd } = options;
  const isLarge = body !== undefined && body.length > SLICE_BYTES;
  if (beforeEnd === undefined && !isLarge) {
    response.end(body);
    return;
  }
  if (body === undefined || body.length === 0) response.flushHeaders();
  else if (isLarge) for (const slice of slicesOf(body)) await written(response, slice, options);
  else response.write(body);
  await beforeEnd?.();
  response.end();
}

/** A large reply piece by piece: of a piece alone can be told whether its client takes it. */
function* slicesOf(body: string | Uint8Array): Generator<Uint8Array, void, undefined> {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  for (let at = 0; at < bytes.byteLength; at += SLICE_BYTES) {
    yield bytes.subarray(at, at + SLICE_BYTES);
  }
}

/** Resolves when the socket has taken all of the reply, or is gone. Mostly it has at once. */
async function ended(
  response: ServerResponse,
  { clock, stallMs, signal }: SendOptions,
): Promise<void> {
  if (response.writableLength === 0) return;
  await new Promise<void>((resolve, reject) => {
    let leftBytes = Number.POSITIVE_INFINITY;
    let timer = clock.after(stallMs, look);
    const onAbort = () => settle(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    for (const event of ["finish", "close"]) response.once(event, () => settle());

    function look(): void {
      if (response.writableLength >= leftBytes) {
        settle(stalled());
        return;
      }
      leftBytes = response.writableLength;
      timer = clock.after(stallMs, look);
    }

    function settle(error?: unknown): void {
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
      if (error === undefined) resolve();
      else reject(error);
    }
  });
}

function stalled(): CairnError {
  return new CairnError("stalled", "the client took nothing of the reply for too long");
}

/** Resolves when the socket has taken the bytes. */
function written(
  response: ServerResponse,
  part: Uint8Array,
  { clock, stallMs, signal }: SendOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(stallMs, () => {
      settle(stalled());
    });
    const onAbort = () => settle(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    response.write(part, (error) => settle(error ?? undefined));

    function settle(error?: unknown): void {
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
      if (error === undefined) resolve();
      else reject(error);
    }
  });
}
