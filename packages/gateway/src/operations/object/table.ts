import type { Operation } from "../../s3/operation.ts";
import { appendObject } from "./append-object.ts";
import { copyObject } from "./copy-object.ts";
import { deleteObjects } from "./delete-objects.ts";
import { getObjectAttributes } from "./get-object-attributes.ts";
import { getObjectAcl, putObjectAcl } from "./object-acl.ts";
import {
  getObjectLegalHold,
  getObjectRetention,
  putObjectLegalHold,
  putObjectRetention,
} from "./object-lock.ts";
import { deleteObjectTagging, getObjectTagging, putObjectTagging } from "./object-tagging.ts";
import { postObject } from "./post-object.ts";
import { renameObject } from "./rename-object.ts";
import { restoreObject } from "./restore-object.ts";

/** The operations on what is said of objects, and on many objects at once. */
export const OBJECT_OPERATIONS: readonly Operation[] = [
  copyObject,
  appendObject,
  renameObject,
  restoreObject,
  postObject,
  deleteObjects,
  getObjectAttributes,
  getObjectTagging,
  putObjectTagging,
  deleteObjectTagging,
  getObjectAcl,
  putObjectAcl,
  getObjectRetention,
  putObjectRetention,
  getObjectLegalHold,
  putObjectLegalHold,
];
