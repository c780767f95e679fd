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
}

/** Sends a reply to its end, at the pace of the client. */
export async function sendReply(
  response: ServerResponse,
  reply: S3Reply,
  options: SendOptions,
): Promise<void> {
  const { body } = reply;
  const headers: Record<string, string | number> = { ...options.headers, ...reply.headers };
  if (body === undefined || typeof body === "string" || body instanceof Uint8Array) {
    sendWhole(response, reply.status, headers, body, options.isHead);
    return;
  }
  response.writeHead(reply.status, headers);
  if (options.isHead) {
    response.end();
    return;
  }
  for await (const part of body) {
    options.signal.throwIfAborted();
    // Parts are good until the next one is asked for, so the socket has to be done with this one.
    await written(response, part, options);
  }
  response.end();
}

function sendWhole(
  response: ServerResponse,
  status: number,
  headers: Record<string, string | number>,
  body: string | Uint8Array | undefined,
  isHead: boolean,
): void {
  if (typeof body === "string") headers["content-type"] ??= "application/xml";
  const hasLength = headers["content-length"] !== undefined;
  if (!hasLength && status !== 204 && status !== 304 && !isHead) {
    headers["content-length"] = body === undefined ? 0 : Buffer.byteLength(body);
  }
  response.writeHead(status, headers);
  if (isHead || body === undefined) response.end();
  else response.end(body);
}

/** Resolves when the socket has taken the bytes. */
function written(
  response: ServerResponse,
  part: Uint8Array,
  { clock, stallMs, signal }: SendOptions,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(stallMs, () => {
      settle(new CairnError("stalled", "the client took nothing of the reply for too long"));
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
