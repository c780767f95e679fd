import { invalidArgument, S3Error } from "./errors.ts";

/** The version that a request asks for; undefined for the newest. One that cannot be is `InvalidArgument`. */
export function requestedVersion(query: ReadonlyMap<string, string>): string | undefined {
  const given = query.get("versionId");
  if (given === undefined) return undefined;
  if (given === "") {
    throw invalidArgument("versionId", given, "Version id cannot be the empty string");
  }
  if (given !== "null" && !/^[0-9a-f]{16}$/u.test(given)) {
    throw invalidArgument("versionId", given, "Invalid version id specified");
  }
  const sequence = Number.parseInt(given, 16);
  // No bucket comes that far.
  if (given !== "null" && (sequence === 0 || !Number.isSafeInteger(sequence))) {
    throw new S3Error("NoSuchVersion", { details: { VersionId: given } });
  }
  return given;
}
