import { CairnError } from "@cairnfs/base/errors";
import type { Precondition as PreconditionMessage } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type { EntryRecord } from "./entry.ts";
import { wholeNumber } from "./whole-number.ts";

/** What must be true of an entry for a change to happen. */
export type Precondition =
  | { readonly kind: "none" }
  | { readonly kind: "mustNotExist" }
  | { readonly kind: "version"; readonly value: number }
  | { readonly kind: "inode"; readonly value: number };

export const NO_PRECONDITION: Precondition = { kind: "none" };

export function parsePrecondition(message: PreconditionMessage | undefined): Precondition {
  const condition = message?.condition;
  switch (condition?.case) {
    case "mustNotExist":
      return condition.value ? { kind: "mustNotExist" } : NO_PRECONDITION;
    case "version":
      return { kind: "version", value: wholeNumber(condition.value, "version") };
    case "inodeId":
      return { kind: "inode", value: wholeNumber(condition.value, "inode_id") };
    default:
      return NO_PRECONDITION;
  }
}

/** Throws `pathExists` or `preconditionFailed` unless the entry at `path` is in the state asked for. */
export function checkPrecondition(
  precondition: Precondition,
  entry: EntryRecord | undefined,
  path: string,
): void {
  switch (precondition.kind) {
    case "none":
      return;
    case "mustNotExist":
      if (entry === undefined) return;
      throw new CairnError("pathExists", `${path} exists and must not`);
    case "version":
      if (entry?.version === precondition.value) return;
      throw failed(
        `${path} has version ${entry?.version ?? "none"}, expected ${precondition.value}`,
      );
    case "inode":
      if (entry?.inodeId === precondition.value) return;
      throw failed(`${path} is inode ${entry?.inodeId ?? "none"}, expected ${precondition.value}`);
  }
}

function failed(message: string): CairnError {
  return new CairnError("preconditionFailed", message);
}
