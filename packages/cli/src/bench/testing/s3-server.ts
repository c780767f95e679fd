import { createHash, createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";

interface S3Answer {
  readonly status: number;
  readonly body?: string | Buffer;
}

const PAGE_MAX = 1_000;

/** As much of S3 as a bench needs, in memory. Every request's signature is worked out anew from what came over the wire, and refused when it differs. */
export class S3Server implements AsyncDisposable {
  readonly objects = new Map<string, Buffer>();
  readonly buckets = new Set<string>();
  /** Requests whose signature did not hold. */
  refused = 0;
  readonly #server: Server;
  readonly #secretKey: string;

  private constructor(secretKey: string) {
    this.#secretKey = secretKey;
    this.#server = createServer((request, response) => {
      this.#serve(request, response).catch((error: unknown) => response.destroy(error as Error));
    });
  }

  static async start(secretKey: string): Promise<S3Server> {
    const server = new S3Server(secretKey);
    server.#server.listen(0, "127.0.0.1");
    await once(server.#server, "listening");
    return server;
  }

  get url(): string {
    const address = this.#server.address();
    if (typeof address !== "object" || address === null) throw new Error("the server is closed");
    return `http://127.0.0.1:${address.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const answer = this.#answer(request, Buffer.concat(parts));
    response.statusCode = answer.status;
    response.end(request.method === "HEAD" ? undefined : answer.body);
  }

  #answer(request: IncomingMessage, body: Buffer): S3Answer {
    if (!this.#isSigned(request, body)) {
      this.refused += 1;
      return failure(403, "SignatureDoesNotMatch");
    }
    const url = new URL(request.url ?? "/", "http://host");
    const [, bucket = "", ...rest] = url.pathname.split("/").map(decodeURIComponent);
    const key = rest.join("/");
    if (key === "" && request.method === "PUT") {
      this.buckets.add(bucket);
      return { status: 200 };
    }
    if (!this.buckets.has(bucket)) return failure(404, "NoSuchBucket");
    if (key === "") return this.#bucket(request.method ?? "", url.searchParams, body);
    return this.#object(request.method ?? "", key, body);
  }

  #bucket(method: string, query: URLSearchParams, body: Buffer): S3Answer {
    if (method === "HEAD") return { status: 200 };
    if (method === "POST") {
      for (const [, key = ""] of body.toString().matchAll(/<Key>([^<]*)<\/Key>/gu)) {
        this.objects.delete(key);
      }
      return { status: 200, body: "<DeleteResult/>" };
    }
    const after = query.get("continuation-token") ?? query.get("start-after") ?? "";
    const keys = [...this.objects.keys()]
      .filter((key) => key.startsWith(query.get("prefix") ?? "") && key > after)
      .sort();
    const shown = keys.slice(0, Math.min(Number(query.get("max-keys")), PAGE_MAX));
    const isCut = shown.length < keys.length;
    const token = isCut ? `<NextContinuationToken>${shown.at(-1)}</NextContinuationToken>` : "";
    const contents = shown.map((key) => `<Contents><Key>${key}</Key></Contents>`).join("");
    return {
      status: 200,
      body: `<ListBucketResult><IsTruncated>${isCut}</IsTruncated>${token}${contents}</ListBucketResult>`,
    };
  }

  #object(method: string, key: string, body: Buffer): S3Answer {
    if (method === "PUT") {
      this.objects.set(key, body);
      return { status: 200 };
    }
    if (method === "DELETE") {
      this.objects.delete(key);
      return { status: 204 };
    }
    const found = this.objects.get(key);
    return found === undefined ? failure(404, "NoSuchKey") : { status: 200, body: found };
  }

  /** From the raw request line and headers, as the service does it: nothing here is encoded again. */
  #isSigned({ method, url = "", headers }: IncomingMessage, body: Buffer): boolean {
    const found =
      /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/u.exec(
        headers.authorization ?? "",
      );
    if (found === null) return false;
    const [, day = "", region = "", signed = "", signature] = found;
    const payloadHash = String(headers["x-amz-content-sha256"]);
    if (payloadHash !== "UNSIGNED-PAYLOAD" && payloadHash !== sha256Hex(body)) return false;
    const [path = "", query = ""] = url.split("?");
    const canonicalQuery = query.split("&").sort().join("&");
    const canonicalHeaders = signed.split(";").map((name) => `${name}:${headers[name]}\n`);
    const canonical = `${method}\n${path}\n${canonicalQuery}\n${canonicalHeaders.join("")}\n${signed}\n${payloadHash}`;
    const scope = `${day}/${region}/s3/aws4_request`;
    let key: string | Buffer = `AWS4${this.#secretKey}`;
    for (const part of scope.split("/")) key = createHmac("sha256", key).update(part).digest();
    const text = `AWS4-HMAC-SHA256\n${headers["x-amz-date"]}\n${scope}\n${sha256Hex(canonical)}`;
    return createHmac("sha256", key).update(text).digest("hex") === signature;
  }
}

function failure(status: number, code: string): S3Answer {
  return { status, body: `<Error><Code>${code}</Code><Message>no</Message></Error>` };
}

function sha256Hex(bytes: string | Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
