/**
 * Access control lists. One is kept as text, nothing for the list that grants the owner everything and nobody else anything:
 *
 *     1\n                      the version
 *     <permission> <grantee>\n   for each grant
 *
 * Permissions are F (FULL_CONTROL), R (READ), W (WRITE), RA (READ_ACP) and WA (WRITE_ACP); grantees are "user:" with a
 * canonical id, or "group:" with AllUsers, AuthenticatedUsers or LogDelivery. docs/formats/acl.md is the register.
 */

/** What a grant lets its grantee do. */
export type AclPermission = (typeof PERMISSIONS)[number];
export const PERMISSIONS = ["FULL_CONTROL", "READ", "WRITE", "READ_ACP", "WRITE_ACP"] as const;

/** The predefined groups: everybody, everybody who signs, and the deliverer of logs. */
export type AclGroup = (typeof GROUPS)[number];
const GROUPS = ["AllUsers", "AuthenticatedUsers", "LogDelivery"] as const;

export type AclGrantee =
  | { readonly kind: "user"; readonly id: string }
  | { readonly kind: "group"; readonly group: AclGroup };

export interface AclGrant {
  readonly grantee: AclGrantee;
  readonly permission: AclPermission;
}

/** In the order in which they were granted. */
export type AclGrants = readonly AclGrant[];

const GROUP_URIS: Readonly<Record<AclGroup, string>> = {
  AllUsers: "http://acs.amazonaws.com/groups/global/AllUsers",
  AuthenticatedUsers: "http://acs.amazonaws.com/groups/global/AuthenticatedUsers",
  LogDelivery: "http://acs.amazonaws.com/groups/s3/LogDelivery",
};

/** The URI that names a group. */
export function groupUri(group: AclGroup): string {
  return GROUP_URIS[group];
}

/** The group that a URI names, if it names any. */
export function groupOfUri(uri: string): AclGroup | undefined {
  return GROUPS.find((group) => GROUP_URIS[group] === uri);
}

/** A grant of one user. */
export function userGrant(id: string, permission: AclPermission): AclGrant {
  return { grantee: { kind: "user", id }, permission };
}

/** A grant of one group. */
export function groupGrant(group: AclGroup, permission: AclPermission): AclGrant {
  return { grantee: { kind: "group", group }, permission };
}

/** Whether these grant the owner everything and nobody else anything. */
function isPrivate(grants: AclGrants, ownerId: string): boolean {
  const [grant, ...more] = grants;
  return (
    more.length === 0 &&
    grant?.permission === "FULL_CONTROL" &&
    grant.grantee.kind === "user" &&
    grant.grantee.id === ownerId
  );
}

/** Whether any of these grants to everybody, or to everybody who signs. */
export function isPublic(grants: AclGrants): boolean {
  return grants.some(
    ({ grantee }) =>
      grantee.kind === "group" &&
      (grantee.group === "AllUsers" || grantee.group === "AuthenticatedUsers"),
  );
}

const LETTERS: Readonly<Record<AclPermission, string>> = {
  FULL_CONTROL: "F",
  READ: "R",
  WRITE: "W",
  READ_ACP: "RA",
  WRITE_ACP: "WA",
};

/** As it is kept with a bucket or an object of this owner. */
export function encodeAcl(grants: AclGrants, ownerId: string): Uint8Array {
  if (isPrivate(grants, ownerId)) return new Uint8Array(0);
  const lines = grants.map(({ grantee, permission }) => {
    const name = grantee.kind === "user" ? `user:${grantee.id}` : `group:${grantee.group}`;
    return `${LETTERS[permission]} ${name}\n`;
  });
  return Buffer.from(`1\n${lines.join("")}`);
}

/** What was kept with a bucket or an object of this owner; what cannot be read grants nobody anything but the owner. */
export function decodeAcl(bytes: Uint8Array | undefined, ownerId: string): AclGrants {
  const owned = [userGrant(ownerId, "FULL_CONTROL")];
  if (bytes === undefined || bytes.byteLength === 0) return owned;
  const [version, ...lines] = Buffer.from(bytes).toString("utf8").split("\n");
  if (version !== "1" || lines.pop() !== "") return owned;
  const grants = lines.map(decodeGrant);
  return grants.every((grant) => grant !== undefined) ? grants : owned;
}

function decodeGrant(line: string): AclGrant | undefined {
  const [, letter, kind, name] = /^(F|R|W|RA|WA) (user|group):(.*)$/.exec(line) ?? [];
  const permission = PERMISSIONS.find((candidate) => LETTERS[candidate] === letter);
  if (permission === undefined || name === undefined) return undefined;
  if (kind === "user") return userGrant(name, permission);
  const group = GROUPS.find((candidate) => candidate === name);
  return group === undefined ? undefined : groupGrant(group, permission);
}
