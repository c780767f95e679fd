import { authenticateForm, type FormFields } from "../../auth/post-form.ts";
import { checkPostPolicy, type LengthRange } from "../../auth/post-policy.ts";
import { MAX_OBJECT_TAGS, readTagging } from "../../documents/tagging.ts";
import { readForm } from "../../http/form-reader.ts";
import { AccessDecider } from "../../s3/access.ts";
import { checkKey } from "../../s3/check-key.ts";
import { invalidArgument, S3Error } from "../../s3/errors.ts";
import { neededActions } from "../../s3/needed-actions.ts";
import { objectUrl } from "../../s3/object-url.ts";
import type {
  GatewayParts,
  Operation,
  RequestBody,
  RequestHeaders,
  S3Reply,
  S3Request,
} from "../../s3/operation.ts";
import { textElement, xmlDocument } from "../../xml/write.ts";
import { putObject } from "./put-object.ts";

const FILENAME = /\$\{filename\}/g;
/** Fields that are headers of the write by their own name. */
const HEADER_FIELDS: ReadonlySet<string> = new Set([
  "cache-control",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-md5",
  "content-type",
  "expires",
]);
/** Fields of the signature. */
const SIGNATURE_FIELDS: ReadonlySet<string> = new Set([
  "x-amz-algorithm",
  "x-amz-credential",
  "x-amz-date",
  "x-amz-security-token",
  "x-amz-signature",
]);

/** Makes the file of a form that a browser sends an object; who may is said by the form's policy and signature. */
export const postObject: Operation = {
  name: "PostObject",
  method: "POST",
  level: "bucket",
  action: "PutObject",
  decidesItself: true,
  run: runPostObject,
};

async function runPostObject(request: S3Request, parts: GatewayParts): Promise<S3Reply> {
  const form = await readForm(request.headers["content-type"], request.body);
  const { fields } = form;
  const { bucket } = request;
  const caller = await authenticateForm(fields, parts);
  const key = keyOf(fields, form.filename);
  const policy = fields.get("policy");
  const length =
    policy === undefined
      ? undefined
      : checkPostPolicy(policy, { fields, bucket, nowMs: parts.clock.now() });
  const write: S3Request = {
    ...request,
    method: "PUT",
    caller,
    key,
    query: new Map(),
    headers: headersOf(fields, request),
    body: fileBody(form.file, length),
  };
  const decider = new AccessDecider(write, parts);
  for (const needed of neededActions(putObject, write)) {
    await decider.require({ ...needed, bucket, key: write.key });
  }
  return formReply(fields, write, await putObject.run(write, parts));
}

function keyOf(fields: FormFields, filename: string): string {
  const given = fields.get("key") ?? "";
  if (given === "") {
    throw invalidArgument(
      "key",
      "",
      "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
    );
  }
  const key = given.replace(FILENAME, () => filename.replace(/^.*[\\/]/, ""));
  checkKey(key);
  return key;
}

function headersOf(fields: FormFields, request: S3Request): RequestHeaders {
  const headers: Record<string, string> = { "transfer-encoding": "chunked" };
  if (request.headers.host !== undefined) headers.host = request.headers.host;
  for (const [name, value] of fields) {
    const isHeader =
      HEADER_FIELDS.has(name) || (name.startsWith("x-amz-") && !SIGNATURE_FIELDS.has(name));
    // Headers are bytes, fields are text.
    if (isHeader) headers[name] = Buffer.from(value).toString("latin1");
  }
  const acl = fields.get("acl");
  if (acl !== undefined) headers["x-amz-acl"] = acl;
  const tagging = fields.get("tagging");
  if (tagging !== undefined) {
    const tags = readTagging(tagging, MAX_OBJECT_TAGS);
    headers["x-amz-tagging"] = new URLSearchParams({ ...tags }).toString();
  }
  return headers;
}

function fileBody(file: AsyncIterable<Uint8Array>, length: LengthRange | undefined): RequestBody {
  const bytes = length === undefined ? file : within(file, length);
  return {
    lengthBytes: undefined,
    trailers: new Map(),
    trailerNames: [],
    [Symbol.asyncIterator]: () => bytes[Symbol.asyncIterator](),
  };
}

async function* within(
  file: AsyncIterable<Uint8Array>,
  { bytesMin, bytesMax }: LengthRange,
): AsyncGenerator<Uint8Array, void, undefined> {
  let sizeBytes = 0;
  for await (const piece of file) {
    sizeBytes += piece.byteLength;
    if (sizeBytes > bytesMax) {
      throw new S3Error("EntityTooLarge", {
        details: { ProposedSize: String(sizeBytes), MaxSizeAllowed: String(bytesMax) },
      });
    }
    yield piece;
  }
  if (sizeBytes < bytesMin) {
    throw new S3Error("EntityTooSmall", {
      details: { ProposedSize: String(sizeBytes), MinSizeAllowed: String(bytesMin) },
    });
  }
}

/** As the form wants to be answered: by sending the browser elsewhere, or with one of three statuses. */
function formReply(fields: FormFields, write: S3Request, { headers = {} }: S3Reply): S3Reply {
  const { bucket, key } = write;
  const location = objectUrl(write);
  const etag = headers.etag ?? "";
  const redirect = redirectOf(fields);
  if (redirect !== undefined) {
    for (const [name, value] of Object.entries({ bucket, key, etag })) {
      redirect.searchParams.set(name, value);
    }
    return { status: 303, headers: { ...headers, location: redirect.href } };
  }
  const status = fields.get("success_action_status");
  if (status === "201") {
    const body = xmlDocument(
      "PostResponse",
      textElement("Location", location),
      textElement("Bucket", bucket),
      textElement("Key", key),
      textElement("ETag", etag),
    );
    return { status: 201, headers: { ...headers, location }, body };
  }
  return { status: status === "200" ? 200 : 204, headers: { ...headers, location } };
}

function redirectOf(fields: FormFields): URL | undefined {
  const text = fields.get("success_action_redirect") ?? fields.get("redirect");
  if (text === undefined || !/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text);
}
