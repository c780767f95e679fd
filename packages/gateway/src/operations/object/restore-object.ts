import { S3Error } from "../../s3/errors.ts";
import type { Operation } from "../../s3/operation.ts";
import { findObject } from "./object-facts.ts";

/** Nothing is archived: no object is in a state to be restored from. */
export const restoreObject: Operation = {
  name: "RestoreObject",
  method: "POST",
  level: "object",
  query: "restore",
  action: "RestoreObject",
  async run(request, parts) {
    await findObject(request, parts);
    throw new S3Error("InvalidObjectState", {
      message: "Restore is not allowed for the object's current storage class",
    });
  },
};
