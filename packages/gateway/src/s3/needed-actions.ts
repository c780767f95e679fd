import type { Operation, S3Request } from "./operation.ts";

/** Of a version that is named, other actions are asked for. */
const OF_VERSIONS: ReadonlyMap<string, string> = new Map([
  ["GetObject", "GetObjectVersion"],
  ["GetObjectAcl", "GetObjectVersionAcl"],
  ["PutObjectAcl", "PutObjectVersionAcl"],
  ["GetObjectTagging", "GetObjectVersionTagging"],
  ["PutObjectTagging", "PutObjectVersionTagging"],
  ["DeleteObjectTagging", "DeleteObjectVersionTagging"],
  ["DeleteObject", "DeleteObjectVersion"],
  ["GetObjectAttributes", "GetObjectVersionAttributes"],
]);

/** Headers of a write that ask for more than a write. */
const WRITE_HEADERS: readonly (readonly [string, string])[] = [
  ["x-amz-tagging", "PutObjectTagging"],
  ["x-amz-acl", "PutObjectAcl"],
  ["x-amz-grant-full-control", "PutObjectAcl"],
  ["x-amz-grant-read", "PutObjectAcl"],
  ["x-amz-grant-read-acp", "PutObjectAcl"],
  ["x-amz-grant-write-acp", "PutObjectAcl"],
  ["x-amz-object-lock-mode", "PutObjectRetention"],
  ["x-amz-object-lock-legal-hold", "PutObjectLegalHold"],
];

/** An IAM action, without "s3:". */
export interface NeededAction {
  readonly action: string;
  /** It is about what the request writes, not about what is there. */
  readonly isOfWrite: boolean;
}

/** All that a request needs to be allowed. */
export function neededActions(operation: Operation, request: S3Request): readonly NeededAction[] {
  const actions = new Set(operation.action.split(" ").map((action) => versioned(action, request)));
  const written = new Set<string>();
  if (actions.has("PutObject")) {
    for (const [header, action] of WRITE_HEADERS) {
      if (request.headers[header] !== undefined) written.add(action);
    }
  }
  for (const action of written) actions.add(action);
  if (bypassesGovernance(request) && [...actions].some((action) => BYPASSED.has(action))) {
    actions.add("BypassGovernanceRetention");
  }
  return [...actions].map((action) => ({ action, isOfWrite: written.has(action) }));
}

const BYPASSED: ReadonlySet<string> = new Set(["DeleteObjectVersion", "PutObjectRetention"]);

/** Whether a request wants to pass a retention under governance. */
export function bypassesGovernance({ headers }: Pick<S3Request, "headers">): boolean {
  return headers["x-amz-bypass-governance-retention"]?.toLowerCase() === "true";
}

function versioned(action: string, { query }: S3Request): string {
  return query.has("versionId") ? (OF_VERSIONS.get(action) ?? action) : action;
}
