import { S3Error } from "../s3/errors.ts";
import {
  allowOnly,
  malformed,
  optionalText,
  readDocument,
  requiredChild,
  requiredText,
  textOf,
} from "../xml/fields.ts";
import { childOf, childrenOf, type XmlElement } from "../xml/read.ts";
import { storedContent } from "./stored.ts";

/** The kinds of targets, with the element that names the target. */
const TARGETS: ReadonlyMap<string, string> = new Map([
  ["TopicConfiguration", "Topic"],
  ["QueueConfiguration", "Queue"],
  ["CloudFunctionConfiguration", "CloudFunction"],
]);
const EVENT = /^s3:[A-Za-z]+(:[A-Za-z*]+)?$/;
const MAX_ID_LENGTH = 255;

/** A `NotificationConfiguration` document, checked, as it is kept; an empty one is kept as nothing. */
export function readNotification(document: string): string {
  const root = readDocument(document, "NotificationConfiguration");
  allowOnly(root, ...TARGETS.keys(), "EventBridgeConfiguration");
  for (const child of root.children) {
    const target = TARGETS.get(child.name);
    if (target !== undefined) checkTarget(child, target);
  }
  return storedContent(root);
}

function checkTarget(element: XmlElement, target: string): void {
  allowOnly(element, "Id", "Event", "Filter", target);
  if ((optionalText(element, "Id") ?? "").length > MAX_ID_LENGTH) throw malformed();
  if (!requiredText(element, target).startsWith("arn:")) {
    throw new S3Error("InvalidArgument", { message: "The ARN could not be parsed" });
  }
  const events = childrenOf(element, "Event").map(textOf);
  if (events.length === 0) throw malformed();
  for (const event of events) {
    if (!EVENT.test(event)) {
      throw new S3Error("InvalidArgument", {
        message: "The event is not supported for notifications",
      });
    }
  }
  const filter = childOf(element, "Filter");
  if (filter !== undefined) checkFilter(filter);
}

function checkFilter(filter: XmlElement): void {
  allowOnly(filter, "S3Key");
  const key = requiredChild(filter, "S3Key");
  allowOnly(key, "FilterRule");
  const names = key.children.map((rule) => {
    allowOnly(rule, "Name", "Value");
    requiredText(rule, "Value");
    return requiredText(rule, "Name").toLowerCase();
  });
  const isKnown = names.every((name) => name === "prefix" || name === "suffix");
  if (!isKnown || new Set(names).size < names.length) {
    throw new S3Error("InvalidArgument", {
      message: "filter rule name must be either prefix or suffix, each at most once",
    });
  }
}
