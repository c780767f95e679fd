import { amzDate, type Credentials, hmac, hmacSha1, signingKey } from "./sign.ts";

/** A browser's upload: fields, a policy and its signature, and the file. */
export interface FormGiven {
  readonly fields: readonly (readonly [name: string, value: string])[];
  readonly file?: string | Uint8Array;
  readonly fileName?: string;
  /** Conditions of a policy that ends in ten minutes. */
  readonly conditions?: readonly unknown[];
  /** The whole policy instead. */
  readonly policy?: Readonly<Record<string, unknown>> | string;
  readonly style?: "v2" | "v4";
  readonly accessKeyId?: string;
  /** Left out of the fields that the signature adds. */
  readonly without?: readonly string[];
  /** Said instead of the right signature. */
  readonly signature?: string;
}

const BOUNDARY = "----conformance-8f2c91d4";

export const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

/** In how many milliseconds from this moment, as policies say it. */
export function inFuture(offsetMs: number): string {
  return new Date(Date.now() + offsetMs).toISOString();
}

export function formBody(
  form: FormGiven,
  credentials: Credentials,
  region: string,
  fill: (text: string) => string,
): Uint8Array {
  const fields = [...form.fields.map(([name, value]) => [name, fill(value)] as const)];
  if (form.conditions !== undefined || form.policy !== undefined)
    fields.push(...signatureFields(form, credentials, region, fill));
  const pieces: (string | Uint8Array)[] = fields.map(([name, value]) => {
    // Older libraries give fields the name of a file too: only "file" is one.
    const asFile = form.style === "v2" ? `; filename="${name}"` : "";
    return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${asFile}\r\n\r\n${value}\r\n`;
  });
  if (form.file !== undefined) {
    const name = form.fileName ?? "upload.bin";
    pieces.push(
      `--${BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="${name}"\r\nContent-Type: application/octet-stream\r\n\r\n`,
      form.file,
      "\r\n",
    );
  }
  pieces.push(`--${BOUNDARY}--\r\n`);
  return Buffer.concat(
    pieces.map((piece) => (typeof piece === "string" ? Buffer.from(piece) : piece)),
  );
}

function signatureFields(
  form: FormGiven,
  credentials: Credentials,
  region: string,
  fill: (text: string) => string,
): [string, string][] {
  const stamp = amzDate(new Date());
  const day = stamp.slice(0, 8);
  const credential = `${form.accessKeyId ?? credentials.accessKeyId}/${day}/${region}/s3/aws4_request`;
  const own: [string, string][] =
    form.style === "v4"
      ? [
          ["x-amz-algorithm", "AWS4-HMAC-SHA256"],
          ["x-amz-credential", credential],
          ["x-amz-date", stamp],
        ]
      : [["AWSAccessKeyId", form.accessKeyId ?? credentials.accessKeyId]];
  const document = form.policy ?? {
    expiration: inFuture(600_000),
    conditions: [
      ...(form.conditions ?? []),
      ...(form.style === "v4" ? own.map(([name, value]) => ({ [name]: value })) : []),
    ],
  };
  const text = fill(typeof document === "string" ? document : JSON.stringify(document));
  const encoded = Buffer.from(text).toString("base64");
  const signature =
    form.style === "v4"
      ? hmac(signingKey(credentials.secretKey, day, region, "s3"), encoded).toString("hex")
      : hmacSha1(credentials.secretKey, encoded);
  const all: [string, string][] = [
    ...own,
    ["policy", encoded],
    [form.style === "v4" ? "x-amz-signature" : "signature", form.signature ?? signature],
  ];
  return all.filter(([name]) => form.without?.includes(name) !== true);
}
