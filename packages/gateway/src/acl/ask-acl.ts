import type { ObjectOwnership } from "../documents/ownership.ts";
import { invalidArgument, S3Error } from "../s3/errors.ts";
import type { GatewayParts, S3Request } from "../s3/operation.ts";
import {
  type AclGrant,
  type AclGrantee,
  type AclGrants,
  encodeAcl,
  groupOfUri,
  isPublic,
  userGrant,
} from "./acl.ts";
import { type NamedAcl, type NamedGrant, readAclDocument } from "./acl-document.ts";
import { type AclHeaders, type AclOwners, cannedGrants, readAclHeaders } from "./acl-headers.ts";

/** What an ACL is for, and what the bucket has to say about it. */
export interface AclSubject extends AclOwners {
  readonly isBucket: boolean;
  readonly ownership: ObjectOwnership;
  /** The bucket takes no ACLs that grant to everybody. */
  readonly blocksPublic: boolean;
}

/** The ACL that the headers of a write ask for, as it is kept: nothing for a private one, which is what is meant without any header. */
export async function aclOfHeaders(
  request: S3Request,
  parts: GatewayParts,
  subject: AclSubject,
): Promise<Uint8Array> {
  const asked = readAclHeaders((name) => request.headers[name]);
  if (asked === undefined) return new Uint8Array(0);
  if (subject.ownership === "BucketOwnerEnforced") return refuseUnlessOwners(asked);
  return checked(await grantsOfHeaders(request, parts, subject, asked), subject);
}

/** The ACL that a request to set one asks for, in its headers or in its document. */
export async function aclOfRequest(
  request: S3Request,
  parts: GatewayParts,
  subject: AclSubject,
  readBody: () => Promise<string>,
): Promise<Uint8Array> {
  const asked = readAclHeaders((name) => request.headers[name]);
  if (subject.ownership === "BucketOwnerEnforced") {
    throw new S3Error("AccessControlListNotSupported");
  }
  const document = await readBody();
  if (asked !== undefined) {
    if (document !== "") throw new S3Error("UnexpectedContent");
    return checked(await grantsOfHeaders(request, parts, subject, asked), subject);
  }
  if (document === "") throw new S3Error("MissingSecurityHeader");
  const named = readAclDocument(document);
  requireOwner(named, subject);
  return checked(await resolveGrants(request, parts, named.grants), subject);
}

/** Where ACLs say nothing, one that says what is so anyway is let pass. */
function refuseUnlessOwners(asked: AclHeaders): Uint8Array {
  if (asked.kind === "canned" && asked.name === "bucket-owner-full-control") {
    return new Uint8Array(0);
  }
  throw new S3Error("AccessControlListNotSupported");
}

async function grantsOfHeaders(
  request: S3Request,
  parts: GatewayParts,
  subject: AclSubject,
  asked: AclHeaders,
): Promise<AclGrants> {
  if (asked.kind === "canned") return cannedGrants(asked.name, subject, subject.isBucket);
  return resolveGrants(request, parts, asked.grants);
}

function checked(grants: AclGrants, subject: AclSubject): Uint8Array {
  if (subject.blocksPublic && isPublic(grants)) throw new S3Error("AccessDenied");
  return encodeAcl(grants, subject.ownerId);
}

function requireOwner({ ownerId }: NamedAcl, subject: AclSubject): void {
  if (ownerId !== undefined && ownerId !== subject.ownerId) throw new S3Error("AccessDenied");
}

async function resolveGrants(
  request: S3Request,
  parts: GatewayParts,
  named: readonly NamedGrant[],
): Promise<AclGrants> {
  const grants: AclGrant[] = [];
  for (const { grantee, permission } of named) {
    grants.push({ grantee: await resolveGrantee(request, parts, grantee), permission });
  }
  return grants;
}

async function resolveGrantee(
  request: S3Request,
  parts: GatewayParts,
  named: NamedGrant["grantee"],
): Promise<AclGrantee> {
  if (named.kind === "uri") {
    const group = groupOfUri(named.uri);
    if (group === undefined) throw invalidArgument("Group/URI", named.uri, "Invalid group uri");
    return { kind: "group", group };
  }
  if (named.kind === "id") {
    const { name } = await parts.users.shown(named.id, request.signal);
    if (name === undefined) throw invalidArgument("CanonicalUser/ID", named.id, "Invalid id");
    return userGrant(named.id, "READ").grantee;
  }
  const user = await parts.users.find({ email: named.email }, request.signal);
  if (user === undefined) throw new S3Error("UnresolvableGrantByEmailAddress");
  return userGrant(user.userId, "READ").grantee;
}
