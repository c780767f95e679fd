import { MAX_ACL_GRANTS, readGrantee } from "../acl/acl-document.ts";
import {
  allowOnly,
  malformed,
  optionalWord,
  readDocument,
  requiredChild,
  requiredText,
  requiredWord,
} from "../xml/fields.ts";
import { childOf, childrenOf, type XmlElement } from "../xml/read.ts";
import { storedContent } from "./stored.ts";

/** What a `BucketLoggingStatus` document asks for. */
export interface LoggingTarget {
  readonly bucket: string;
  /** As it is kept. */
  readonly content: string;
}

/** The target that a `BucketLoggingStatus` document names; `undefined` when it switches logging off. */
export function readLogging(document: string): LoggingTarget | undefined {
  const root = readDocument(document, "BucketLoggingStatus");
  allowOnly(root, "LoggingEnabled");
  const enabled = childOf(root, "LoggingEnabled");
  if (enabled === undefined) return undefined;
  allowOnly(enabled, "TargetBucket", "TargetPrefix", "TargetGrants", "TargetObjectKeyFormat");
  requiredText(enabled, "TargetPrefix");
  const grants = childOf(enabled, "TargetGrants");
  if (grants !== undefined) {
    allowOnly(grants, "Grant");
    if (grants.children.length > MAX_ACL_GRANTS) throw malformed();
    for (const grant of childrenOf(grants, "Grant")) {
      allowOnly(grant, "Grantee", "Permission");
      readGrantee(requiredChild(grant, "Grantee"));
      requiredWord(grant, "Permission", ["FULL_CONTROL", "READ", "WRITE"] as const);
    }
  }
  checkKeyFormat(childOf(enabled, "TargetObjectKeyFormat"));
  return { bucket: requiredText(enabled, "TargetBucket"), content: storedContent(root) };
}

/** How the keys of logs are made: of the prefix alone, or with the date of the events or of their delivery. */
function checkKeyFormat(format: XmlElement | undefined): void {
  if (format === undefined) return;
  allowOnly(format, "SimplePrefix", "PartitionedPrefix");
  if (format.children.length > 1) throw malformed();
  const partitioned = childOf(format, "PartitionedPrefix");
  if (partitioned === undefined) return;
  allowOnly(partitioned, "PartitionDateSource");
  optionalWord(partitioned, "PartitionDateSource", ["EventTime", "DeliveryTime"] as const);
}
