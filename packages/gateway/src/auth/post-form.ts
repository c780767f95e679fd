import { S3Error } from "../s3/errors.ts";
import type { Caller } from "../s3/operation.ts";
import { type AuthenticationParts, lookUp } from "./authenticate.ts";
import { checkDay, parseCredential, type Refusal } from "./credential.ts";
import { checkSignature } from "./signature.ts";
import { hmacSha1 } from "./signature-v2.ts";
import { ALGORITHM_V4, hmacHex } from "./signature-v4.ts";
import { parseBasicTime } from "./signing-time.ts";

/** The fields of a form before its file, by their names in lower case. */
export type FormFields = ReadonlyMap<string, string>;

const refused: Refusal = (message) => new S3Error("InvalidArgument", { message });

/** Who sends a form: whoever signed its policy, or nobody known when it has none. Refuses a signature that is wrong. */
export async function authenticateForm(
  fields: FormFields,
  parts: AuthenticationParts,
): Promise<Caller> {
  const isV4 = ["x-amz-algorithm", "x-amz-credential", "x-amz-signature"].some((name) =>
    fields.has(name),
  );
  const isV2 = fields.has("awsaccesskeyid") || fields.has("signature");
  if (!fields.has("policy") && !isV4 && !isV2) return { kind: "anonymous" };
  if (fields.has("x-amz-security-token")) throw new S3Error("InvalidToken");
  return isV4 ? byV4(fields, parts) : byV2(fields, parts);
}

async function byV4(fields: FormFields, parts: AuthenticationParts): Promise<Caller> {
  const policy = fieldOf(fields, "policy");
  const algorithm = fieldOf(fields, "x-amz-algorithm");
  const credentialText = fieldOf(fields, "x-amz-credential");
  const date = fieldOf(fields, "x-amz-date");
  const signature = fieldOf(fields, "x-amz-signature");
  if (algorithm !== ALGORITHM_V4) {
    throw refused(`X-Amz-Algorithm only supports "${ALGORITHM_V4}"`);
  }
  const credential = parseCredential(credentialText, parts.config.region, refused);
  if (parseBasicTime(date) === undefined) {
    throw refused(`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`);
  }
  checkDay(credential, date, refused);
  const { accessKeyId } = credential;
  const { caller, secretKey } = await lookUp(accessKeyId, parts);
  const expected = hmacHex(parts.signingKeys.keyOf(credential, secretKey), policy);
  checkSignature(signature, expected, { accessKeyId, stringToSign: policy });
  return caller;
}

async function byV2(fields: FormFields, parts: AuthenticationParts): Promise<Caller> {
  const policy = fieldOf(fields, "policy", "policy");
  const accessKeyId = fieldOf(fields, "awsaccesskeyid", "AWSAccessKeyId");
  const signature = fieldOf(fields, "signature", "Signature");
  const { caller, secretKey } = await lookUp(accessKeyId, parts);
  checkSignature(signature, hmacSha1(secretKey, policy), { accessKeyId, stringToSign: policy });
  return caller;
}

function fieldOf(fields: FormFields, name: string, shown = name): string {
  const value = fields.get(name);
  // An empty policy is a policy, and none that can be read.
  if (value !== undefined && (value !== "" || name === "policy")) return value;
  throw refused(
    `Bucket POST must contain a field named '${shown}'.  If it is specified, please check the order of the fields.`,
  );
}
