import { S3Error } from "../s3/errors.ts";
import type { ShownUser } from "../s3/user-cache.ts";
import {
  allowOnly,
  optionalText,
  readDocument,
  requiredChild,
  requiredText,
  requiredWord,
} from "../xml/fields.ts";
import { childOf, childrenOf, type XmlElement } from "../xml/read.ts";
import { element, textElement } from "../xml/write.ts";
import { type AclGrants, type AclPermission, groupUri, PERMISSIONS } from "./acl.ts";

/** How many grants a list may have. */
export const MAX_ACL_GRANTS = 100;

/** Whom a request names as a grantee, before it is known whether there is such a user. */
export type NamedGrantee =
  | { readonly kind: "id"; readonly id: string }
  | { readonly kind: "email"; readonly email: string }
  | { readonly kind: "uri"; readonly uri: string };

export interface NamedGrant {
  readonly grantee: NamedGrantee;
  readonly permission: AclPermission;
}

/** What an `AccessControlPolicy` document asks for. */
export interface NamedAcl {
  readonly ownerId: string | undefined;
  readonly grants: readonly NamedGrant[];
}

/** Reads an `AccessControlPolicy` document; what breaks its schema is `MalformedACLError`. */
export function readAclDocument(document: string): NamedAcl {
  try {
    return readPolicy(document);
  } catch (error) {
    if (error instanceof S3Error && error.code === "MalformedXML") {
      throw new S3Error("MalformedACLError");
    }
    throw error;
  }
}

function readPolicy(document: string): NamedAcl {
  const root = readDocument(document, "AccessControlPolicy");
  allowOnly(root, "Owner", "AccessControlList");
  const owner = requiredChild(root, "Owner");
  allowOnly(owner, "ID", "DisplayName");
  const list = requiredChild(root, "AccessControlList");
  allowOnly(list, "Grant");
  const grants = childrenOf(list, "Grant").map((grant): NamedGrant => {
    allowOnly(grant, "Grantee", "Permission");
    return {
      grantee: readGrantee(requiredChild(grant, "Grantee")),
      permission: requiredWord(grant, "Permission", PERMISSIONS),
    };
  });
  if (grants.length > MAX_ACL_GRANTS) throw new S3Error("MalformedACLError");
  return { ownerId: optionalText(owner, "ID"), grants };
}

/** Whom an element `Grantee` names. */
export function readGrantee(grantee: XmlElement): NamedGrantee {
  allowOnly(grantee, "ID", "DisplayName", "EmailAddress", "URI");
  const type = grantee.attributes.type;
  if (type === "Group" || (type === undefined && childOf(grantee, "URI") !== undefined)) {
    return { kind: "uri", uri: requiredText(grantee, "URI").trim() };
  }
  if (type === "AmazonCustomerByEmail") {
    return { kind: "email", email: requiredText(grantee, "EmailAddress").trim() };
  }
  if (type === "CanonicalUser" || type === undefined) {
    return { kind: "id", id: requiredText(grantee, "ID").trim() };
  }
  throw new S3Error("MalformedACLError");
}

/** The elements inside `AccessControlPolicy`, groups first; users are shown as `shown` has them. */
export function aclXml(
  owner: ShownUser,
  grants: AclGrants,
  shown: (id: string) => ShownUser,
): string {
  const inOrder = [...grants.filter(isOfGroup), ...grants.filter((grant) => !isOfGroup(grant))];
  const rows = inOrder.map(({ grantee, permission }) => {
    const inner =
      grantee.kind === "group"
        ? textElement("URI", groupUri(grantee.group))
        : userXml(shown(grantee.id));
    const type = grantee.kind === "group" ? "Group" : "CanonicalUser";
    return (
      `<Grant><Grantee xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="${type}">` +
      `${inner}</Grantee><Permission>${permission}</Permission></Grant>`
    );
  });
  return `${element("Owner", userXml(owner))}<AccessControlList>${rows.join("")}</AccessControlList>`;
}

function isOfGroup({ grantee }: AclGrants[number]): boolean {
  return grantee.kind === "group";
}

/** The elements inside `Owner` and the like. */
export function userXml({ id, name }: ShownUser): string {
  return textElement("ID", id) + textElement("DisplayName", name);
}
