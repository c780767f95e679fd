import { setMaxListeners } from "node:events";
import * as http from "node:http";
import * as https from "node:https";
import type { Clock } from "@cairnfs/base/clock";
import { CommandFailure } from "../../failure.ts";
import {
  RequestSigner,
  type S3Identity,
  type S3Request,
  UNSIGNED_PAYLOAD,
} from "./sign-request.ts";

/** Where the service is and who asks. */
export interface S3Access extends S3Identity {
  readonly endpoint: string;
}

/** A body to send. */
export interface S3Body {
  readonly sizeBytes: number;
  readonly bytes: Uint8Array | undefined;
  parts(): AsyncIterable<Uint8Array>;
}

export interface S3Call extends Pick<S3Request, "method" | "path"> {
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: S3Body;
  readonly payloadHash?: string;
  readonly signal: AbortSignal;
  /** Answers besides 2xx that are none to fail on. */
  readonly isFine?: (status: number, code: string) => boolean;
}

const NO_BODY: S3Body = { sizeBytes: 0, bytes: new Uint8Array(0), async *parts() {} };
const ERROR_BYTES_MAX = 64 * 1024;

/** S3 over HTTP/1.1 with connections that are kept: one call is one request, and nothing is tried again but on a connection that had been closed. */
export class S3Client {
  readonly #endpoint: URL;
  readonly #http: typeof http | typeof https;
  readonly #agent: http.Agent;
  readonly #signer: RequestSigner;
  readonly #clock: Clock;
  #knownSignal: AbortSignal | undefined;

  constructor(access: S3Access, clock: Clock) {
    this.#endpoint = new URL(access.endpoint);
    this.#http = this.#endpoint.protocol === "https:" ? https : http;
    this.#agent = new this.#http.Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });
    this.#signer = new RequestSigner(access);
    this.#clock = clock;
  }

  /** Resolves with the answer's bytes, all of them. */
  async text(call: S3Call): Promise<string> {
    const parts: Buffer[] = [];
    await this.bytes(call, (part) => parts.push(part));
    return Buffer.concat(parts).toString();
  }

  /** Hands on the answer's bytes as they come and resolves with their number. */
  async bytes(call: S3Call, take: (part: Buffer) => void = () => undefined): Promise<number> {
    const response = await this.#send(call);
    const { statusCode = 0 } = response;
    if (statusCode < 200 || statusCode > 299) {
      await refuse(response, call);
      return 0;
    }
    let bytes = 0;
    return new Promise((resolve, reject) => {
      response.on("data", (part: Buffer) => {
        bytes += part.byteLength;
        take(part);
      });
      response.on("error", reject);
      response.on("end", () => resolve(bytes));
    });
  }

  close(): void {
    this.#agent.destroy();
  }

  async #send(call: S3Call): Promise<http.IncomingMessage> {
    try {
      return await this.#request(call);
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error;
      return this.#request(call);
    }
  }

  #request(call: S3Call): Promise<http.IncomingMessage> {
    const { body = NO_BODY, method, path, query = {}, signal } = call;
    if (signal !== this.#knownSignal) {
      // Every request under way listens to it: how many those are is up to the caller.
      setMaxListeners(0, signal);
      this.#knownSignal = signal;
    }
    const { target, headers } = this.#signer.sign(
      {
        method,
        path,
        query,
        headers: { ...call.headers, host: this.#endpoint.host },
        payloadHash: call.payloadHash ?? UNSIGNED_PAYLOAD,
      },
      this.#clock.now(),
    );
    return new Promise((resolve, reject) => {
      const request = this.#http.request({
        agent: this.#agent,
        protocol: this.#endpoint.protocol,
        hostname: this.#endpoint.hostname,
        port: this.#endpoint.port,
        method,
        path: target,
        headers: { ...headers, "content-length": String(body.sizeBytes) },
        signal,
      });
      request.on("response", resolve);
      request.on("error", (error: NodeJS.ErrnoException) => {
        const isStale = request.reusedSocket && error.code === "ECONNRESET";
        reject(isStale && body.bytes !== undefined ? new StaleConnection() : error);
      });
      if (body.bytes === undefined) sendParts(request, body).catch(reject);
      else request.end(body.bytes);
    });
  }
}

class StaleConnection extends Error {
  override readonly name = "StaleConnection";
}

/** One part after the other: each is gone before the next is made. */
async function sendParts(request: http.ClientRequest, body: S3Body): Promise<void> {
  for await (const part of body.parts()) {
    await new Promise<void>((resolve, reject) => {
      request.write(part, (error) => (error ? reject(error) : resolve()));
    });
  }
  request.end();
}

async function refuse(response: http.IncomingMessage, call: S3Call): Promise<void> {
  let text = "";
  for await (const part of response) {
    if (text.length < ERROR_BYTES_MAX) text += String(part);
  }
  const { statusCode = 0 } = response;
  const code = /<Code>([^<]*)<\/Code>/u.exec(text)?.[1] ?? "";
  if (call.isFine?.(statusCode, code) === true) return;
  const message = /<Message>([^<]*)<\/Message>/u.exec(text)?.[1] ?? "";
  throw new CommandFailure(
    "failed",
    `${call.method} ${call.path}: the service answers ${statusCode} ${code} ${message}`.trimEnd(),
  );
}
