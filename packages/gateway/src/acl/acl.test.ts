import { expect, test } from "vitest";
import { type AclGrants, decodeAcl, encodeAcl, groupGrant, isPublic, userGrant } from "./acl.ts";
import { aclXml, readAclDocument } from "./acl-document.ts";
import { cannedGrants, readAclHeaders } from "./acl-headers.ts";

const ME = "a".repeat(64);
const OTHER = "b".repeat(64);

test("a private list is kept as nothing, and nothing is read as a private list", () => {
  expect(encodeAcl([userGrant(ME, "FULL_CONTROL")], ME).byteLength).toBe(0);
  expect(decodeAcl(undefined, ME)).toEqual([userGrant(ME, "FULL_CONTROL")]);
});

test("lists are kept in these bytes, and one without grants is not a private one", () => {
  const grants: AclGrants = [
    userGrant("u1", "READ_ACP"),
    userGrant("u2", "FULL_CONTROL"),
    groupGrant("AllUsers", "READ"),
    groupGrant("LogDelivery", "WRITE"),
    groupGrant("AuthenticatedUsers", "WRITE_ACP"),
  ];
  const kept = encodeAcl(grants, ME);
  expect(Buffer.from(kept).toString()).toBe(
    "1\nRA user:u1\nF user:u2\nR group:AllUsers\nW group:LogDelivery\nWA group:AuthenticatedUsers\n",
  );
  expect(decodeAcl(kept, ME)).toEqual(grants);
  expect(decodeAcl(encodeAcl([], ME), ME)).toEqual([]);
});

test("bytes that are no list open nothing to anybody but the owner", () => {
  for (const bytes of ["2\nR group:AllUsers\n", "1\nR group:Everybody\n", "1\nX user:a\n", "1"]) {
    expect(decodeAcl(Buffer.from(bytes), ME)).toEqual([userGrant(ME, "FULL_CONTROL")]);
  }
});

test("canned lists grant what AWS says they do", () => {
  const owners = { ownerId: ME, bucketOwnerId: OTHER };
  const extras = (name: string, isBucket = false) => cannedGrants(name, owners, isBucket).slice(1);
  expect(extras("private")).toEqual([]);
  expect(extras("public-read")).toEqual([groupGrant("AllUsers", "READ")]);
  expect(extras("public-read-write")).toHaveLength(2);
  expect(extras("authenticated-read")).toEqual([groupGrant("AuthenticatedUsers", "READ")]);
  expect(extras("bucket-owner-read")).toEqual([userGrant(OTHER, "READ")]);
  expect(extras("bucket-owner-full-control")).toEqual([userGrant(OTHER, "FULL_CONTROL")]);
  expect(extras("bucket-owner-read", true)).toEqual([]);
  expect(() => extras("log-delivery-write")).toThrow();
  expect(() => extras("publicread")).toThrow();
  expect(isPublic(cannedGrants("public-read", owners, true))).toBe(true);
  expect(isPublic(cannedGrants("log-delivery-write", owners, true))).toBe(false);
});

test("grant headers name users by id and email and groups by URI", () => {
  const headers: Record<string, string> = {
    "x-amz-grant-read": `id="u1", emailAddress=a@b.example`,
    "x-amz-grant-full-control": 'uri="http://acs.amazonaws.com/groups/global/AllUsers"',
  };
  expect(readAclHeaders((name) => headers[name])).toEqual({
    kind: "grants",
    grants: [
      { grantee: { kind: "id", id: "u1" }, permission: "READ" },
      { grantee: { kind: "email", email: "a@b.example" }, permission: "READ" },
      {
        grantee: { kind: "uri", uri: "http://acs.amazonaws.com/groups/global/AllUsers" },
        permission: "FULL_CONTROL",
      },
    ],
  });
  const both = { ...headers, "x-amz-acl": "private" } as Record<string, string>;
  expect(() => readAclHeaders((name) => both[name])).toThrow("not allowed");
  expect(readAclHeaders(() => undefined)).toBeUndefined();
});

test("a document that was written is read as what it was, groups first", () => {
  const grants = [userGrant(OTHER, "WRITE"), groupGrant("AllUsers", "READ")];
  const xml = aclXml({ id: ME, name: "me" }, grants, (id) => ({ id, name: "somebody" }));
  expect(readAclDocument(`<AccessControlPolicy>${xml}</AccessControlPolicy>`)).toEqual({
    ownerId: ME,
    grants: [
      {
        grantee: { kind: "uri", uri: "http://acs.amazonaws.com/groups/global/AllUsers" },
        permission: "READ",
      },
      { grantee: { kind: "id", id: OTHER }, permission: "WRITE" },
    ],
  });
  expect(() => readAclDocument("<AccessControlPolicy/>")).toThrow(
    expect.objectContaining({ code: "MalformedACLError" }),
  );
});

test("headers ask for as many grants as a list may have, and no more", () => {
  const asking = (count: number) => () =>
    readAclHeaders((name) =>
      name === "x-amz-grant-read" ? `id="${OTHER}",`.repeat(count) : undefined,
    );
  expect(asking(100)()).toMatchObject({ kind: "grants" });
  expect(asking(101)).toThrow("101 grants, expected at most 100");
});
