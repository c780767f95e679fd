import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { listenFailure, parseAddress } from "@cairnfs/base/bind-address";
import { type Clock, deadlineAfter } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { Closable } from "@cairnfs/base/lifecycle";
import type { Logger } from "@cairnfs/base/telemetry";

/** Says whether a part of the process can do its work; a sentence says why it cannot. */
export interface ReadinessCheck {
  readonly name: string;
  /** Resolves with undefined when all is well, else with what is wrong. */
  check(signal: AbortSignal): Promise<string | undefined> | string | undefined;
}

export interface AdminHttpOptions {
  /** host:port; port 0 takes a free one. */
  readonly address: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly checks: readonly ReadinessCheck[];
}

const CONNECTIONS_MAX = 64;
const HEADER_BYTES_MAX = 8 * 1024;
const REQUEST_TIMEOUT_MS = 10_000;
/** Less than who asks waits for, such as `cairn ready`: else the verdict would not be heard. */
const CHECK_TIMEOUT_MS = 3_000;

interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json; charset=utf-8";

/**
 * What operators and their tools ask a process: `/metrics` in Prometheus' format, `/healthz` (it runs), `/readyz` (it can
 * do its work, each part with its verdict). Bounded in connections, header size and time; it changes nothing.
 */
export class AdminHttp implements Closable {
  readonly #server: Server;
  readonly #options: AdminHttpOptions;
  #address = "";

  private constructor(server: Server, options: AdminHttpOptions) {
    this.#server = server;
    this.#options = options;
  }

  /** Resolves when the address is bound; rejects with `unreachable` when it cannot be. */
  static async open(options: AdminHttpOptions): Promise<AdminHttp> {
    const server = createServer({
      maxHeaderSize: HEADER_BYTES_MAX,
      headersTimeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: REQUEST_TIMEOUT_MS,
    });
    server.maxConnections = CONNECTIONS_MAX;
    const admin = new AdminHttp(server, options);
    server.on("request", (request, response) => {
      // `serve` answers whatever happens; there is nobody else to tell.
      void admin.#serve(request, response);
    });
    await admin.#bind();
    return admin;
  }

  /** host:port, with the port that was really bound. */
  get address(): string {
    return this.#address;
  }

  async close(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #bind(): Promise<void> {
    const parsed = parseAddress(this.#options.address);
    if (parsed === undefined) {
      throw new CairnError(
        "invalidConfig",
        `the admin address is ${this.#options.address}: expected host:port`,
      );
    }
    const { host, port } = parsed;
    this.#server.listen({ host, port });
    try {
      await once(this.#server, "listening");
    } catch (cause) {
      throw listenFailure(this.#options.address, cause);
    }
    // Bound to host and port, so the address is not that of a pipe.
    const bound = this.#server.address() as AddressInfo;
    this.#address =
      bound.family === "IPv6"
        ? `[${bound.address}]:${bound.port}`
        : `${bound.address}:${bound.port}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    request.resume();
    let answer: Answer;
    try {
      answer = await this.#answer(request);
    } catch (error) {
      this.#options.logger.error("an admin request failed", { path: request.url }, error);
      answer = { status: 500, contentType: TEXT, body: "failed; the log says why\n" };
    }
    response.writeHead(answer.status, {
      "content-type": answer.contentType,
      "content-length": Buffer.byteLength(answer.body),
      "cache-control": "no-store",
      ...(answer.status === 405 ? { allow: "GET, HEAD" } : {}),
    });
    response.end(request.method === "HEAD" ? undefined : answer.body);
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    if (request.method !== "GET" && request.method !== "HEAD") {
      return { status: 405, contentType: TEXT, body: "only GET and HEAD\n" };
    }
    switch (request.url?.split("?", 1)[0]) {
      case "/metrics": {
        const { metrics } = this.#options;
        return { status: 200, contentType: metrics.contentType, body: await metrics.text() };
      }
      case "/healthz":
        return { status: 200, contentType: TEXT, body: "ok\n" };
      case "/readyz":
        return this.#readiness();
      default:
        return { status: 404, contentType: TEXT, body: "try /metrics, /healthz or /readyz\n" };
    }
  }

  async #readiness(): Promise<Answer> {
    const deadline = deadlineAfter(this.#options.clock, CHECK_TIMEOUT_MS);
    try {
      const verdicts = await Promise.all(
        this.#options.checks.map(async (part) => [
          part.name,
          await verdictOf(part, deadline.signal),
        ]),
      );
      const isReady = verdicts.every(([, verdict]) => verdict === "ok");
      const body = {
        status: isReady ? "ready" : "not ready",
        checks: Object.fromEntries(verdicts),
      };
      return {
        status: isReady ? 200 : 503,
        contentType: JSON_TYPE,
        body: `${JSON.stringify(body)}\n`,
      };
    } finally {
      deadline.release();
    }
  }
}

/** A check that hangs or throws is a verdict too. */
async function verdictOf(part: ReadinessCheck, signal: AbortSignal): Promise<string> {
  const late = new Promise<string>((resolve) => {
    signal.addEventListener("abort", () => resolve("no answer in time"), { once: true });
  });
  try {
    return (await Promise.race([part.check(signal), late])) ?? "ok";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
