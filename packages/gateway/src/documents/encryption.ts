import { S3Error } from "../s3/errors.ts";
import {
  allowOnly,
  malformed,
  optionalFlag,
  readDocument,
  requiredChild,
  requiredText,
} from "../xml/fields.ts";
import { childOf } from "../xml/read.ts";
import { storedContent } from "./stored.ts";

/** A `ServerSideEncryptionConfiguration` document, checked, as it is kept: AES256 is what there is. */
export function readEncryption(document: string): string {
  const root = readDocument(document, "ServerSideEncryptionConfiguration");
  allowOnly(root, "Rule");
  const rule = requiredChild(root, "Rule");
  allowOnly(
    rule,
    "ApplyServerSideEncryptionByDefault",
    "BucketKeyEnabled",
    "BlockedEncryptionTypes",
  );
  optionalFlag(rule, "BucketKeyEnabled");
  const byDefault = childOf(rule, "ApplyServerSideEncryptionByDefault");
  if (byDefault !== undefined) {
    allowOnly(byDefault, "SSEAlgorithm", "KMSMasterKeyID");
    const algorithm = requiredText(byDefault, "SSEAlgorithm").trim();
    if (algorithm === "aws:kms" || algorithm === "aws:kms:dsse") {
      throw new S3Error("NotImplemented", {
        message: "Encryption with keys of a key management service is not implemented.",
      });
    }
    if (algorithm !== "AES256") throw malformed();
    if (childOf(byDefault, "KMSMasterKeyID") !== undefined) {
      throw new S3Error("InvalidArgument", {
        message: "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms",
      });
    }
  }
  return storedContent(root);
}

/** Whether objects of a bucket with this kept content are encrypted when their writer says nothing. */
export function encryptsByDefault(content: string | undefined): boolean {
  return content?.includes("<SSEAlgorithm>AES256</SSEAlgorithm>") === true;
}
