import { afterAll, beforeAll, expect, test } from "vitest";
import { GatewayCluster } from "../testing/gateway-cluster.ts";
import { mark } from "../testing/test-documents.ts";
import type { TestS3 } from "../testing/test-s3.ts";

let cluster: GatewayCluster;
let alice: TestS3;
let bob: TestS3;
let nobody: TestS3;
const ids = new Map<string, string>();

beforeAll(async () => {
  cluster = await GatewayCluster.open();
  alice = await user("alice");
  bob = await user("bob");
  nobody = cluster.as(undefined);
});

afterAll(() => cluster[Symbol.asyncDispose]());

async function user(name: string, policy?: unknown): Promise<TestS3> {
  const { userId } = await cluster.client.access.createUser(name);
  ids.set(name, userId);
  if (policy !== undefined) {
    await cluster.client.access.setUserPolicy(name, "p", JSON.stringify(policy));
  }
  return cluster.as(await cluster.client.access.createKey({ userName: name }));
}

const acl = (name: string) => ({ headers: { "x-amz-acl": name } });
const policyOf = (...statements: unknown[]) =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });
const setPolicy = (owner: TestS3, bucket: string, ...statements: unknown[]) =>
  owner.put(`/${bucket}`, policyOf(...statements), mark("policy"));

async function statuses(path: string, ...asked: TestS3[]): Promise<number[]> {
  const replies = [];
  for (const one of asked) replies.push(await one.get(path));
  return replies.map(({ status }) => status);
}

test("a bucket is its maker's: others may do nothing with it, root everything", async () => {
  expect((await alice.put("/private-one")).status).toBe(200);
  expect((await alice.put("/private-one/k", "x")).status).toBe(200);
  expect(await statuses("/private-one/k", alice, bob, nobody, cluster.s3)).toEqual([
    200, 403, 403, 200,
  ]);
  expect(await statuses("/private-one", alice, bob, nobody, cluster.s3)).toEqual([
    200, 403, 403, 200,
  ]);
  expect((await bob.head("/private-one/k")).status).toBe(403);
  expect((await bob.get("/private-one/k", { headers: { range: "bytes=9-" } })).status).toBe(403);
  expect((await alice.head("/private-one/k")).status).toBe(200);
  expect(await bob.put("/private-one/k", "y")).toMatchObject({ code: "AccessDenied" });
  expect(await bob.delete("/private-one/k")).toMatchObject({ code: "AccessDenied" });
  expect((await bob.get("/private-one", mark("acl"))).status).toBe(403);
  expect((await nobody.put("/private-two")).status).toBe(403);
  expect(await nobody.get("/no-such-bucket")).toMatchObject({ code: "NoSuchBucket" });
  const buckets = (await bob.get("/")).text;
  expect(buckets).not.toContain("private-one");
});

test("what is not there is told only to who may list the bucket", async () => {
  await alice.put("/quiet");
  expect((await alice.get("/quiet/none")).code).toBe("NoSuchKey");
  expect((await bob.get("/quiet/none")).code).toBe("AccessDenied");
  const read = {
    Effect: "Allow",
    Principal: "*",
    Action: "s3:GetObject",
    Resource: "arn:aws:s3:::quiet/*",
  };
  expect((await setPolicy(alice, "quiet", read)).status).toBe(204);
  expect((await bob.get("/quiet/none")).code).toBe("AccessDenied");
  const list = { ...read, Action: "s3:ListBucket", Resource: "arn:aws:s3:::quiet" };
  await setPolicy(alice, "quiet", read, list);
  expect((await bob.get("/quiet/none")).code).toBe("NoSuchKey");
});

test("ACLs of buckets let others list and write, and a writer owns what it writes", async () => {
  await alice.put("/shared", "", acl("public-read-write"));
  expect((await nobody.get("/shared")).status).toBe(200);
  expect((await bob.put("/shared/of-bob", "b")).status).toBe(200);
  expect(await statuses("/shared/of-bob", bob, alice, nobody)).toEqual([200, 403, 403]);
  expect((await alice.delete("/shared/of-bob")).status).toBe(204);
});

test("ACLs of objects let others read them", async () => {
  await alice.put("/gallery");
  await alice.put("/gallery/open", "x", acl("public-read"));
  await alice.put("/gallery/users", "x", acl("authenticated-read"));
  await alice.put("/gallery/bobs", "x", {
    headers: { "x-amz-grant-read": `id=${ids.get("bob")}` },
  });
  expect(await statuses("/gallery/open", bob, nobody)).toEqual([200, 200]);
  expect(await statuses("/gallery/users", bob, nobody)).toEqual([200, 403]);
  expect(await statuses("/gallery/bobs", bob, nobody)).toEqual([200, 403]);
  await alice.put(
    "/gallery",
    "<PublicAccessBlockConfiguration><IgnorePublicAcls>true</IgnorePublicAcls></PublicAccessBlockConfiguration>",
    mark("publicAccessBlock"),
  );
  expect(await statuses("/gallery/open", alice, bob, nobody)).toEqual([200, 403, 403]);
  expect(await statuses("/gallery/bobs", bob)).toEqual([200]);
});

test("what is said of an object is changed by its owner, not by whoever could write another", async () => {
  await alice.put("/said", "", acl("public-read-write"));
  await alice.put("/said/k", "x");
  const tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>";
  for (const one of [bob, nobody]) {
    expect((await one.put("/said/k", tags, mark("tagging"))).status).toBe(403);
    expect((await one.get("/said/k", mark("tagging"))).status).toBe(403);
    const opened = await one.put("/said/k", "", { ...mark("acl"), ...acl("public-read") });
    expect(opened.status).toBe(403);
  }
  expect((await alice.put("/said/k", tags, mark("tagging"))).status).toBe(200);
  const own = { headers: { "x-amz-acl": "public-read", "x-amz-tagging": "a=b" } };
  expect((await bob.put("/said/own", "x", own)).status).toBe(200);
  expect((await nobody.put("/said/free", "x", own)).status).toBe(200);
});

test("policies of buckets allow by principal and condition, and a denial wins over everything", async () => {
  await alice.put("/ruled");
  await alice.put("/ruled/a", "a");
  await alice.put("/ruled/b", "b");
  const resource = "arn:aws:s3:::ruled/*";
  const forBob = {
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${ids.get("bob")}:root` },
    Action: "s3:GetObject",
    Resource: resource,
  };
  expect((await setPolicy(alice, "ruled", forBob)).status).toBe(204);
  expect(await statuses("/ruled/a", bob, nobody)).toEqual([200, 403]);
  const denyB = { ...forBob, Effect: "Deny", Principal: "*", Resource: "arn:aws:s3:::ruled/b" };
  await setPolicy(alice, "ruled", forBob, denyB);
  expect(await statuses("/ruled/b", alice, bob, cluster.s3)).toEqual([403, 403, 403]);
  const tagged = {
    ...forBob,
    Principal: "*",
    Condition: { StringEquals: { "s3:ExistingObjectTag/open": "yes" } },
  };
  await setPolicy(alice, "ruled", tagged);
  await alice.put("/ruled/tagged", "t", { headers: { "x-amz-tagging": "open=yes" } });
  expect(await statuses("/ruled/tagged", bob, nobody)).toEqual([200, 200]);
  expect(await statuses("/ruled/a", bob, nobody)).toEqual([403, 403]);
  const status = await alice.get("/ruled", mark("policyStatus"));
  expect(status.text).toContain("<IsPublic>true</IsPublic>");
  expect((await alice.delete("/ruled", mark("policy"))).status).toBe(204);
  expect((await alice.get("/ruled", mark("policy"))).code).toBe("NoSuchBucketPolicy");
});

test("public policies are refused or restricted where the bucket blocks them", async () => {
  await alice.put("/blocked");
  await alice.put("/blocked/k", "x");
  const open = {
    Effect: "Allow",
    Principal: "*",
    Action: "s3:GetObject",
    Resource: "arn:aws:s3:::blocked/*",
  };
  const block = (name: string) =>
    alice.put(
      "/blocked",
      `<PublicAccessBlockConfiguration><${name}>true</${name}></PublicAccessBlockConfiguration>`,
      mark("publicAccessBlock"),
    );
  await setPolicy(alice, "blocked", open);
  expect(await statuses("/blocked/k", nobody)).toEqual([200]);
  await block("RestrictPublicBuckets");
  expect(await statuses("/blocked/k", alice, bob, nobody)).toEqual([200, 403, 403]);
  await block("BlockPublicPolicy");
  expect((await setPolicy(alice, "blocked", open)).code).toBe("AccessDenied");
  expect((await alice.put("/blocked", "{", mark("policy"))).code).toBe("MalformedPolicy");
});

test("policies of users allow and deny; who has some makes no buckets unless they say so", async () => {
  await alice.put("/readable");
  await alice.put("/readable/k", "x");
  const reader = await user("reader", {
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: "s3:Get*", Resource: "arn:aws:s3:::readable/*" },
      { Effect: "Deny", Action: "s3:ListAllMyBuckets", Resource: "*" },
    ],
  });
  expect((await reader.get("/readable/k")).status).toBe(200);
  expect((await reader.put("/readable/k", "y")).status).toBe(403);
  expect((await reader.get("/readable")).status).toBe(403);
  expect((await reader.put("/of-reader")).status).toBe(403);
  expect((await reader.get("/")).status).toBe(403);
});

test("policies of users see the tags that an object has", async () => {
  const carol = await user("carol", {
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::tagged/*" },
      {
        Effect: "Deny",
        Action: "s3:GetObject",
        Resource: "*",
        Condition: { StringEquals: { "s3:ExistingObjectTag/secret": "yes" } },
      },
    ],
  });
  const enforced = { headers: { "x-amz-object-ownership": "BucketOwnerEnforced" } };
  await alice.put("/tagged", "", enforced);
  await alice.put("/tagged/open", "x");
  await alice.put("/tagged/closed", "x", { headers: { "x-amz-tagging": "secret=yes" } });
  expect((await carol.get("/tagged/open")).status).toBe(200);
  expect((await carol.get("/tagged/closed")).code).toBe("AccessDenied");
});

test("a copy needs the source to be readable", async () => {
  await alice.put("/sources");
  await alice.put("/sources/k", "x");
  await bob.put("/copies");
  const copy = { headers: { "x-amz-copy-source": "/sources/k" } };
  expect(await bob.put("/copies/k", "", copy)).toMatchObject({ code: "AccessDenied" });
  const allow = (...actions: string[]) => ({
    Effect: "Allow",
    Principal: { AWS: ids.get("bob") },
    Action: actions,
    Resource: "arn:aws:s3:::sources/*",
  });
  await setPolicy(alice, "sources", allow("s3:GetObject"));
  expect((await bob.put("/copies/k", "", copy)).status).toBe(200);
  await alice.put("/sources/k", "x", { headers: { "x-amz-tagging": "a=b" } });
  expect(await bob.put("/copies/k", "", copy)).toMatchObject({ code: "AccessDenied" });
  await setPolicy(alice, "sources", allow("s3:GetObject", "s3:GetObjectTagging"));
  expect((await bob.put("/copies/k", "", copy)).status).toBe(200);
});

test("an owner that is expected to be another, or a payer that does not pay, is refused", async () => {
  await alice.put("/expected");
  const expect1 = (id: string) => ({ headers: { "x-amz-expected-bucket-owner": id } });
  expect((await alice.get("/expected", expect1(ids.get("alice") ?? ""))).status).toBe(200);
  expect((await alice.get("/expected", expect1(ids.get("bob") ?? ""))).status).toBe(403);
  await alice.put("/expected", "", { ...mark("acl"), ...acl("public-read") });
  await alice.put(
    "/expected",
    "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>",
    mark("requestPayment"),
  );
  expect(await statuses("/expected", alice, bob, nobody)).toEqual([200, 403, 403]);
  const paid = await bob.get("/expected", { headers: { "x-amz-request-payer": "requester" } });
  expect(paid.status).toBe(200);
});
