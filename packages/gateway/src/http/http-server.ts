import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { listenFailure, parseAddress } from "@cairnfs/base/bind-address";
import type { Clock } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { Closable } from "@cairnfs/base/lifecycle";
import type { GatewayConfig } from "../config.ts";
import { S3_ERRORS, type S3ErrorCode } from "../s3/errors.ts";
import { errorDocument, textElement } from "../xml/write.ts";

/** Answers one request; it never rejects. `waitsForContinue`: the client sends its body when it is told to go on. */
export type RequestHandler = (
  message: IncomingMessage,
  response: ServerResponse,
  waitsForContinue: boolean,
) => Promise<void>;

type Stop = (reason: unknown) => void;

/** An HTTP server with limits on what it takes and how long it waits. */
export class HttpServer implements Closable {
  /** host:port, with the port that was really bound. */
  readonly address: string;
  readonly #server: Server;
  readonly #underway: Set<Promise<void>>;
  readonly #closeGraceMs: number;
  readonly #clock: Clock;
  readonly #stop: Stop;

  private constructor(
    address: string,
    server: Server,
    underway: Set<Promise<void>>,
    options: { readonly closeGraceMs: number; readonly clock: Clock; readonly stop: Stop },
  ) {
    this.address = address;
    this.#server = server;
    this.#underway = underway;
    this.#closeGraceMs = options.closeGraceMs;
    this.#clock = options.clock;
    this.#stop = options.stop;
  }

  /** Resolves when the server listens. `stop` is called when requests under way have to end. */
  static async listen(
    config: GatewayConfig,
    handler: RequestHandler,
    { clock, stop }: { readonly clock: Clock; readonly stop: Stop },
  ): Promise<HttpServer> {
    const underway = new Set<Promise<void>>();
    const server = createServer({
      maxHeaderSize: config.headerBytesMax,
      headersTimeout: config.headersTimeoutMs,
      keepAliveTimeout: config.keepAliveMs,
      // Bodies take as long as they take while their bytes keep coming: that is watched where they are read.
      requestTimeout: 0,
      connectionsCheckingInterval: Math.min(5000, config.headersTimeoutMs),
      highWaterMark: 64 * 1024,
      noDelay: true,
    });
    server.maxConnections = config.connectionsMax;
    server.maxRequestsPerSocket = 0;
    const answer = (message: IncomingMessage, response: ServerResponse, waits: boolean) => {
      const answered: Promise<void> = handler(message, response, waits).finally(() => {
        underway.delete(answered);
      });
      underway.add(answered);
    };
    server.on("request", (message, response) => answer(message, response, false));
    server.on("checkContinue", (message, response) => answer(message, response, true));
    // S3 takes no notice of an expectation that it does not know.
    server.on("checkExpectation", (message, response) => answer(message, response, false));
    server.on("clientError", refuse);
    const address = await listen(server, config.address);
    return new HttpServer(address, server, underway, {
      closeGraceMs: config.closeGraceMs,
      clock,
      stop,
    });
  }

  /** Takes no more connections, lets requests under way end within the grace, and ends the rest. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeIdleConnections();
    if (this.#underway.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#clock.after(this.#closeGraceMs, resolve);
        void Promise.all(this.#underway).then(() => {
          timer.cancel();
          resolve();
        });
      });
    }
    this.#stop(new CairnError("shuttingDown", "the gateway is stopping"));
    await Promise.all(this.#underway);
    this.#server.closeAllConnections();
    await closed;
  }
}

function listen(server: Server, address: string): Promise<string> {
  const parsed = parseAddress(address);
  if (parsed === undefined) {
    throw new CairnError("invalidConfig", `address is host:port, not ${address}`);
  }
  return new Promise((resolve, reject) => {
    server.once("error", (cause) => reject(listenFailure(address, cause)));
    server.listen(parsed.port, parsed.host, () => {
      server.removeAllListeners("error");
      const { port } = server.address() as AddressInfo;
      const host = parsed.host.includes(":") ? `[${parsed.host}]` : parsed.host;
      resolve(`${host}:${port}`);
    });
  });
}

/** Answers what is no HTTP request, or one whose headers are too long or too slow, and ends the connection. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  let code: S3ErrorCode = "BadRequest";
  if (error.code === "HPE_HEADER_OVERFLOW") code = "RequestHeaderSectionTooLarge";
  if (error.code === "ERR_HTTP_REQUEST_TIMEOUT") code = "RequestTimeout";
  const { status, message } = S3_ERRORS[code];
  const body = errorDocument(textElement("Code", code), textElement("Message", message));
  socket.end(
    `HTTP/1.1 ${status} Bad Request\r\nConnection: close\r\nContent-Type: application/xml\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}
