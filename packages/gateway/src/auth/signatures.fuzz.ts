import { createHash, createHmac } from "node:crypto";
import { SignatureV4 as Signer } from "@smithy/signature-v4";
import fc from "fast-check";
import { expect, test } from "vitest";
import { authenticate } from "./authenticate.ts";
import { authenticationParts, EXAMPLE_KEY } from "./testing/known-keys.ts";
import { type RawRequestShape, rawRequest } from "./testing/raw-request.ts";

const NOW_MS = Date.UTC(2026, 10, 23);

class Sha256 {
  readonly #hash;

  constructor(key?: string | ArrayBufferView | ArrayBuffer) {
    this.#hash =
      key === undefined
        ? createHash("sha256")
        : createHmac("sha256", typeof key === "string" ? key : Buffer.from(key as Uint8Array));
  }

  update(bytes: string | ArrayBufferView | ArrayBuffer): void {
    this.#hash.update(typeof bytes === "string" ? bytes : Buffer.from(bytes as Uint8Array));
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}

/** The signer of the AWS SDK for JavaScript, as its S3 client uses it. */
const signer = new Signer({
  credentials: {
    accessKeyId: EXAMPLE_KEY.accessKeyId,
    secretAccessKey: EXAMPLE_KEY.secretKey,
  },
  region: "us-east-1",
  service: "s3",
  sha256: Sha256,
  uriEscapePath: false,
  applyChecksum: true,
});

const name = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
const path = fc
  .array(name, { minLength: 1, maxLength: 4 })
  .map((names) => `/bucket/${names.map(escaped).join("/")}`);
// The SDK's signer keeps the query in an object of its own, which loses this one name.
const parameter = name.filter((text) => text !== "__proto__");
const query = fc.dictionary(parameter, fc.string({ unit: "grapheme", maxLength: 12 }), {
  maxKeys: 4,
});
const metadata = fc.dictionary(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,9}$/u),
  fc.stringMatching(/^[!-~](?:[ -~]{0,20}[!-~])?$/u),
  { maxKeys: 3 },
);
const method = fc.constantFrom("GET", "PUT", "POST", "DELETE", "HEAD");

function escaped(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/gu,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

function headersFrom(values: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(values).map(([key, value]) => [`x-amz-meta-${key}`, value]);
  return { host: "example.org:7090", ...Object.fromEntries(entries) };
}

interface Sent {
  readonly method: string;
  readonly path: string;
  readonly query?: Record<string, string | readonly string[] | null> | undefined;
  readonly headers: Readonly<Record<string, string>>;
}

function received({ method, path, query = {}, headers }: Sent): RawRequestShape {
  const pairs = Object.entries(query).map(
    ([key, value]) => `${escaped(key)}=${escaped(String(value ?? ""))}`,
  );
  const target = pairs.length === 0 ? path : `${path}?${pairs.join("&")}`;
  return { method, target, headers: Object.entries(headers) };
}

function unsigned(
  of: Omit<Sent, "headers" | "query"> & {
    readonly query: Record<string, string>;
    readonly metadata: Record<string, string>;
  },
) {
  return {
    method: of.method,
    protocol: "http:",
    hostname: "example.org",
    port: 7090,
    path: of.path,
    query: of.query,
    headers: headersFrom(of.metadata),
  };
}

const request = fc.record({ method, path, query, metadata });

test("what the SDK signs in headers is good, and nothing else", async () => {
  const parts = authenticationParts(NOW_MS);
  await fc.assert(
    fc.asyncProperty(request, fc.nat(), async (given, at) => {
      const signed = await signer.sign(unsigned(given), { signingDate: new Date(NOW_MS) });
      const shape = received(signed as Sent);
      const { caller } = await authenticate(rawRequest(shape), parts);
      expect(caller.kind).toBe("user");

      const target = shape.target ?? "";
      const spot = 1 + (at % (target.length - 1));
      const other = `${target.slice(0, spot)}${target[spot] === "x" ? "y" : "x"}${target.slice(spot + 1)}`;
      const refused = async () => authenticate(rawRequest({ ...shape, target: other }), parts);
      await expect(refused()).rejects.toMatchObject({ name: "S3Error" });
    }),
    { numRuns: 150 },
  );
});

test("what the SDK presigns is good until it expires", async () => {
  await fc.assert(
    fc.asyncProperty(request, fc.integer({ min: 1, max: 604_800 }), async (given, expiresIn) => {
      const options = { signingDate: new Date(NOW_MS), expiresIn };
      const request = unsigned(given);
      // As the SDK's presigner does: it goes to the query with the other headers of S3.
      const headers = { ...request.headers, "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
      const signed = await signer.presign({ ...request, headers }, options);
      const shape = received(signed as Sent);
      const endMs = NOW_MS + expiresIn * 1000;
      const { caller } = await authenticate(rawRequest(shape), authenticationParts(endMs));
      expect(caller.kind).toBe("user");
      await expect(
        authenticate(rawRequest(shape), authenticationParts(endMs + 1)),
      ).rejects.toMatchObject({ code: "AccessDenied" });
    }),
    { numRuns: 100 },
  );
});
