import { CairnError } from "@cairnfs/base/errors";

/** The id of a version that was put while its bucket had no versioning, or had it suspended. */
const NULL_VERSION_ID = "null";

const DIGITS = 16;

/** Which version is meant: by its sequence, or the one that is "null". */
export type VersionChoice =
  | { readonly kind: "sequence"; readonly sequence: number }
  | { readonly kind: "null" };

interface Numbered {
  readonly sequence: number;
  readonly isNull: boolean;
}

/** Whether the version id is "null", as it is of a version without a sequence too. */
export function isNullVersion({ sequence, isNull }: Numbered): boolean {
  return isNull || sequence === 0;
}

/** The id that users see: the sequence in 16 hexadecimal digits, or "null". */
export function versionIdOf(version: Numbered): string {
  if (isNullVersion(version)) return NULL_VERSION_ID;
  return version.sequence.toString(16).padStart(DIGITS, "0");
}

/** The version that an id from the wire names; `undefined` for the empty one. What is no id is `invalidArgument`. */
export function parseVersionId(id: string): VersionChoice | undefined {
  if (id === "") return undefined;
  if (id === NULL_VERSION_ID) return { kind: "null" };
  const sequence = /^[0-9a-f]{16}$/u.test(id) ? Number.parseInt(id, 16) : 0;
  if (sequence === 0 || !Number.isSafeInteger(sequence)) {
    throw new CairnError(
      "invalidArgument",
      `version id ${JSON.stringify(id.slice(0, 64))} is not "null" or ${DIGITS} hexadecimal digits`,
    );
  }
  return { kind: "sequence", sequence };
}
