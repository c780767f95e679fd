import { setMaxListeners } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { CairnError } from "@cairnfs/base/errors";
import type { Metrics } from "@cairnfs/base/telemetry";
import { errorReply, toS3Error } from "../s3/error-reply.ts";
import { S3Error } from "../s3/errors.ts";
import { handleRequest } from "../s3/handle-request.ts";
import type { GatewayParts, RawRequest, S3Reply } from "../s3/operation.ts";
import type { Router } from "../s3/route.ts";
import { addressOf, parseQuery } from "./addressing.ts";
import type { RequestHandler } from "./http-server.ts";
import { SocketBody } from "./request-body.ts";
import type { RequestIds } from "./request-ids.ts";
import { type RequestReport, requestReport } from "./request-report.ts";
import { sendReply } from "./send-reply.ts";

/** A body up to here that nobody wants is read, so that the client keeps its connection. */
const SHORT_BYTES_MAX = 1024 * 1024;
/** What is read at most of a longer one, so that the client comes to see the reply. */
const DRAIN_BYTES_MAX = 256 * 1024 * 1024;
const DRAIN_MS_MAX = 5000;

export interface ServeOptions {
  readonly parts: GatewayParts;
  readonly router: Router;
  readonly ids: RequestIds;
  readonly metrics: Metrics;
  /** Fires when requests under way have to end. */
  readonly stop: AbortSignal;
}

/** Makes of an HTTP exchange a request to answer, and of the reply, or of what went wrong, the response. */
export function serveRequests(options: ServeOptions): RequestHandler {
  let underway = 0;
  setMaxListeners(0, options.stop);
  const { clock, logger, config } = options.parts;
  const report = requestReport({ logger, metrics: options.metrics }, () => underway);
  return async (message, response, waitsForContinue) => {
    underway += 1;
    const startedMs = clock.monotonicMs();
    const exchange = new Exchange(options, message, response, waitsForContinue);
    try {
      await exchange.answer(underway > config.requestsMax);
    } finally {
      underway -= 1;
      exchange.release();
      exchange.report(report, clock.monotonicMs() - startedMs);
    }
  };
}

class Exchange {
  readonly #options: ServeOptions;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #body: SocketBody;
  readonly #abort = new AbortController();
  readonly #requestId: string;
  readonly #onStop: () => void;
  #operation = "none";

  constructor(
    options: ServeOptions,
    message: IncomingMessage,
    response: ServerResponse,
    waitsForContinue: boolean,
  ) {
    this.#options = options;
    this.#message = message;
    this.#response = response;
    this.#requestId = options.ids.next();
    const { clock, config } = options.parts;
    this.#body = new SocketBody(message, {
      clock,
      stallMs: config.stallMs,
      waitsForContinue,
      onFirstRead: () => {
        if (waitsForContinue) response.writeContinue();
      },
    });
    this.#onStop = () => this.#abort.abort(options.stop.reason);
    options.stop.addEventListener("abort", this.#onStop, { once: true });
    response.on("close", () => {
      if (response.writableFinished) return;
      this.#abort.abort(new CairnError("cancelled", "the client is gone"));
    });
    response.on("error", () => undefined);
  }

  /** Answers; never rejects. */
  async answer(isOneTooMany: boolean): Promise<void> {
    let request: RawRequest | undefined;
    let reply: S3Reply;
    try {
      if (isOneTooMany) throw new S3Error("SlowDown");
      request = this.#request();
      const { router, parts } = this.#options;
      reply = await handleRequest(request, router, parts, (operation) => {
        this.#operation = operation;
      });
    } catch (error) {
      reply = this.#errorReply(error, request);
    }
    try {
      await this.#send(reply);
    } catch (error) {
      this.#endBroken(error);
    }
  }

  release(): void {
    this.#options.stop.removeEventListener("abort", this.#onStop);
  }

  /** Says how it went, after it was answered. */
  report(report: RequestReport, durationMs: number): void {
    report({
      operation: this.#operation,
      status: this.#response.writableEnded ? this.#response.statusCode : 0,
      durationMs,
      requestId: this.#requestId,
      sourceAddress: this.#message.socket.remoteAddress ?? "",
    });
  }

  #errorReply(error: unknown, request: RawRequest | undefined): S3Reply {
    const { ids, parts } = this.#options;
    const told = toS3Error(error, parts.logger.with({ requestId: this.#requestId }));
    return errorReply(
      told,
      request ?? { method: this.#message.method ?? "", bucket: "", key: "", requestId: "" },
      { requestId: this.#requestId, hostId: ids.hostId },
    );
  }

  #request(): RawRequest {
    const message = this.#message;
    const { domains } = this.#options.parts.config;
    const { url = "/", method = "" } = message;
    const target = url.startsWith("/") ? url : pathOfAbsolute(url);
    const mark = target.indexOf("?");
    const rawPath = mark < 0 ? target : target.slice(0, mark);
    const rawQuery = mark < 0 ? "" : target.slice(mark + 1);
    const { bucket, key, isVirtualHosted } = addressOf(
      rawPath,
      message.headers.host ?? "",
      domains,
    );
    return {
      method,
      rawPath,
      rawQuery,
      rawHeaders: message.rawHeaders,
      headers: headersOf(message),
      query: parseQuery(rawQuery),
      bucket,
      key,
      isVirtualHosted,
      body: this.#body,
      sourceAddress: message.socket.remoteAddress ?? "",
      isSecure: false,
      requestId: this.#requestId,
      signal: this.#abort.signal,
    };
  }

  async #send(reply: S3Reply): Promise<void> {
    const { ids, parts } = this.#options;
    const headers: Record<string, string> = {
      "x-amz-request-id": this.#requestId,
      "x-amz-id-2": ids.hostId,
      server: "CairnFS",
    };
    const isReusable = this.#body.isConsumed || this.#isShort();
    if (!isReusable) headers.connection = "close";
    await sendReply(this.#response, reply, {
      isHead: this.#message.method === "HEAD",
      headers,
      clock: parts.clock,
      stallMs: parts.config.stallMs,
      signal: this.#abort.signal,
      beforeEnd: this.#body.isConsumed ? undefined : () => this.#drain(isReusable),
    });
  }

  /** Whether what is left of the body is worth reading, so that the connection can be used again. */
  #isShort(): boolean {
    const { lengthBytes, isWithheld } = this.#body;
    return !isWithheld && lengthBytes !== undefined && lengthBytes <= SHORT_BYTES_MAX;
  }

  /**
   * Reads what is left of the body and forgets it: a connection that is closed with unread bytes is reset, and the client may never see the reply.
   */
  async #drain(isReusable: boolean): Promise<void> {
    if (this.#body.isWithheld) return;
    const { clock } = this.#options.parts;
    const message = this.#message;
    // Nobody reads it any more, also where it was given up without a word.
    await this.#body.return();
    await new Promise<void>((resolve) => {
      const timer = clock.after(DRAIN_MS_MAX, resolve);
      let drainedBytes = 0;
      message.on("data", (piece: Buffer) => {
        drainedBytes += piece.byteLength;
        if (drainedBytes > DRAIN_BYTES_MAX) resolve();
      });
      for (const event of ["end", "error", "close"]) message.once(event, resolve);
      this.#abort.signal.addEventListener("abort", () => resolve(), { once: true });
      if (message.complete || message.destroyed) resolve();
      message.resume();
      message.once("close", () => timer.cancel());
      message.once("end", () => timer.cancel());
    });
    if (isReusable && !message.complete) message.destroy();
  }

  /** The reply could not be sent to its end: the connection is cut, so that nobody takes it for whole. */
  #endBroken(error: unknown): void {
    const { logger } = this.#options.parts;
    this.#response.destroy();
    if (this.#abort.signal.aborted) return;
    logger.warn("a reply broke off", { requestId: this.#requestId }, error);
  }
}

function headersOf(message: IncomingMessage): Readonly<Record<string, string | undefined>> {
  const { headers } = message;
  for (const name in headers) {
    if (name.startsWith(META) && headers[name]?.includes(", ")) {
      headers[name] = valuesOf(message.rawHeaders, name).join(",");
    }
  }
  // Of all headers, only this one is a list.
  const cookies = headers["set-cookie"];
  return cookies === undefined
    ? (headers as Record<string, string | undefined>)
    : { ...(headers as Record<string, string | undefined>), "set-cookie": cookies.join(", ") };
}

const META = "x-amz-meta-";

/** What came several times under one name, in its order. */
function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
}

function pathOfAbsolute(url: string): string {
  const found = /^https?:\/\/[^/?#]*(\/[^#]*)?/iu.exec(url);
  if (found === null) throw new S3Error("InvalidURI");
  return found[1] ?? "/";
}
