import { createHash, createHmac } from "node:crypto";

/** Whose requests are signed, and for where. */
export interface S3Identity {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly region: string;
}

/** A request before it is signed. */
export interface S3Request {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  /** Without the host, not yet encoded: "/bucket/a name". */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** In lower case; `host` is among them. */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body in hex, or that it is not signed. */
  readonly payloadHash: string;
}

/** What a payload is signed as where only the rest is. */
export const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";

/** A request as it is sent. */
export interface SignedRequest {
  /** Path and query, encoded. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Signs requests with AWS Signature Version 4 for S3; keys are derived once a day. */
export class RequestSigner {
  readonly #identity: S3Identity;
  #key: { readonly day: string; readonly bytes: Buffer } | undefined;

  constructor(identity: S3Identity) {
    this.#identity = identity;
  }

  sign(request: S3Request, nowMs: number): SignedRequest {
    const time = `${new Date(nowMs).toISOString().replaceAll(/[-:]|\.\d+/gu, "")}`;
    const day = time.slice(0, 8);
    const headers: Record<string, string> = {
      ...request.headers,
      "x-amz-content-sha256": request.payloadHash,
      "x-amz-date": time,
    };
    const path = request.path.split("/").map(encoded).join("/");
    const query = Object.entries(request.query)
      .map(([name, value]) => `${encoded(name)}=${encoded(value)}`)
      .sort()
      .join("&");
    const names = Object.keys(headers).sort();
    const signedNames = names.join(";");
    const canonical = [
      request.method,
      path,
      query,
      ...names.map((name) => `${name}:${headers[name]?.trim()}`),
      "",
      signedNames,
      request.payloadHash,
    ].join("\n");
    const scope = `${day}/${this.#identity.region}/s3/aws4_request`;
    const digest = createHash("sha256").update(canonical).digest("hex");
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${digest}`;
    const signature = createHmac("sha256", this.#keyOf(day)).update(text).digest("hex");
    const credential = `${this.#identity.accessKey}/${scope}`;
    headers.authorization = `AWS4-HMAC-SHA256 Credential=${credential}, SignedHeaders=${signedNames}, Signature=${signature}`;
    return { target: query === "" ? path : `${path}?${query}`, headers };
  }

  #keyOf(day: string): Buffer {
    if (this.#key?.day !== day) {
      const { secretKey, region } = this.#identity;
      const bytes = [day, region, "s3", "aws4_request"].reduce<Buffer>(
        (key, part) => createHmac("sha256", key).update(part).digest(),
        Buffer.from(`AWS4${secretKey}`),
      );
      this.#key = { day, bytes };
    }
    return this.#key.bytes;
  }
}

/** Percent-encoding as S3 wants it: all but letters, digits and four marks. */
function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/gu,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
