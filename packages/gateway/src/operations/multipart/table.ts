import type { Operation } from "../../s3/operation.ts";
import { abortMultipartUpload } from "./abort-multipart-upload.ts";
import { completeMultipartUpload } from "./complete-multipart-upload.ts";
import { createMultipartUpload } from "./create-multipart-upload.ts";
import { listMultipartUploads } from "./list-multipart-uploads.ts";
import { listParts } from "./list-parts.ts";
import { uploadPart } from "./upload-part.ts";
import { uploadPartCopy } from "./upload-part-copy.ts";

/** The operations on uploads in parts. */
export const MULTIPART_OPERATIONS: readonly Operation[] = [
  createMultipartUpload,
  uploadPart,
  uploadPartCopy,
  listParts,
  listMultipartUploads,
  abortMultipartUpload,
  completeMultipartUpload,
];
