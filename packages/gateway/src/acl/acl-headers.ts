import { invalidArgument, S3Error } from "../s3/errors.ts";
import { type AclGrant, type AclGrants, type AclPermission, groupGrant, userGrant } from "./acl.ts";
import { MAX_ACL_GRANTS, type NamedGrant, type NamedGrantee } from "./acl-document.ts";

/** Finds the value of a header by its lower-case name. */
export type HeaderLookup = (name: string) => string | undefined;

/** What the ACL headers of a request ask for; `undefined` when it has none. */
export type AclHeaders =
  | { readonly kind: "canned"; readonly name: string }
  | { readonly kind: "grants"; readonly grants: readonly NamedGrant[] };

const GRANT_HEADERS: readonly (readonly [string, AclPermission])[] = [
  ["x-amz-grant-read", "READ"],
  ["x-amz-grant-write", "WRITE"],
  ["x-amz-grant-read-acp", "READ_ACP"],
  ["x-amz-grant-write-acp", "WRITE_ACP"],
  ["x-amz-grant-full-control", "FULL_CONTROL"],
];

/** Reads `x-amz-acl` and `x-amz-grant-*`, of which only one kind may be there, with 100 grants at most. */
export function readAclHeaders(header: HeaderLookup): AclHeaders | undefined {
  const canned = header("x-amz-acl");
  const grants = GRANT_HEADERS.flatMap(([name, permission]) =>
    readGrantHeader(name, header(name), permission),
  );
  if (canned !== undefined && grants.length > 0) {
    throw new S3Error("InvalidRequest", {
      message: "Specifying both Canned ACLs and Header Grants is not allowed",
    });
  }
  if (canned !== undefined) return { kind: "canned", name: canned };
  if (grants.length > MAX_ACL_GRANTS) {
    throw new S3Error("InvalidRequest", {
      message: `An access control list has ${grants.length} grants, expected at most ${MAX_ACL_GRANTS}`,
    });
  }
  return grants.length > 0 ? { kind: "grants", grants } : undefined;
}

/** A list such as `id="…", emailAddress="…", uri="…"`. */
function readGrantHeader(
  name: string,
  value: string | undefined,
  permission: AclPermission,
): readonly NamedGrant[] {
  if (value === undefined) return [];
  return value
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const [, kind, text] = /^(id|emailaddress|uri)\s*=\s*"?([^"]*)"?$/i.exec(part) ?? [];
      if (kind === undefined || text === undefined) {
        throw invalidArgument(name, value, "Argument format not recognized");
      }
      return { grantee: granteeOf(kind.toLowerCase(), text), permission };
    });
}

function granteeOf(kind: string, text: string): NamedGrantee {
  if (kind === "id") return { kind: "id", id: text };
  return kind === "uri" ? { kind: "uri", uri: text } : { kind: "email", email: text };
}

/** Whose bucket or object it is, for the canned ACLs. */
export interface AclOwners {
  /** Of what the list is for. */
  readonly ownerId: string;
  readonly bucketOwnerId: string;
}

/** The grants of a canned ACL. */
export function cannedGrants(
  name: string,
  { ownerId, bucketOwnerId }: AclOwners,
  isBucket: boolean,
): AclGrants {
  const owned = userGrant(ownerId, "FULL_CONTROL");
  const more = cannedExtras(name, bucketOwnerId, ownerId, isBucket);
  if (more === undefined) throw invalidArgument("x-amz-acl", name, "");
  return [owned, ...more];
}

function cannedExtras(
  name: string,
  bucketOwnerId: string,
  ownerId: string,
  isBucket: boolean,
): AclGrants | undefined {
  const toBucketOwner = (permission: AclPermission): readonly AclGrant[] =>
    isBucket || bucketOwnerId === ownerId ? [] : [userGrant(bucketOwnerId, permission)];
  switch (name) {
    case "private":
    case "aws-exec-read":
      return [];
    case "public-read":
      return [groupGrant("AllUsers", "READ")];
    case "public-read-write":
      return [groupGrant("AllUsers", "READ"), groupGrant("AllUsers", "WRITE")];
    case "authenticated-read":
      return [groupGrant("AuthenticatedUsers", "READ")];
    case "bucket-owner-read":
      return toBucketOwner("READ");
    case "bucket-owner-full-control":
      return toBucketOwner("FULL_CONTROL");
    case "log-delivery-write":
      return isBucket
        ? [groupGrant("LogDelivery", "WRITE"), groupGrant("LogDelivery", "READ_ACP")]
        : undefined;
    default:
      return undefined;
  }
}
