import { S3Error } from "../s3/errors.ts";
import { allowOnly, optionalWord, readDocument } from "../xml/fields.ts";

/** What a `VersioningConfiguration` document asks for. MFA delete is refused: there is none. */
export function readVersioning(document: string): "enabled" | "suspended" {
  const root = readDocument(document, "VersioningConfiguration");
  allowOnly(root, "Status", "MfaDelete", "MFADelete");
  const mfaDelete = ["MfaDelete", "MFADelete"].map((name) =>
    optionalWord(root, name, ["Enabled", "Disabled"] as const),
  );
  if (mfaDelete.includes("Enabled")) {
    throw new S3Error("NotImplemented", { message: "MFA delete is not implemented." });
  }
  const status = optionalWord(root, "Status", ["Enabled", "Suspended"] as const);
  if (status === undefined) {
    throw new S3Error("IllegalVersioningConfigurationException", {
      message: "The Versioning element must be specified",
    });
  }
  return status === "Enabled" ? "enabled" : "suspended";
}
