import { afterAll, beforeAll, expect, test } from "vitest";
import { GatewayCluster } from "../../testing/gateway-cluster.ts";
import { mark } from "../../testing/test-documents.ts";

let cluster: GatewayCluster;

beforeAll(async () => {
  cluster = await GatewayCluster.open();
});

afterAll(() => cluster[Symbol.asyncDispose]());

test.each<[string, string, string, string | undefined, string]>([
  [
    "cors",
    "cors",
    "<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>",
    "NoSuchCORSConfiguration",
    "<AllowedOrigin>*</AllowedOrigin>",
  ],
  [
    "tags",
    "tagging",
    "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>",
    "NoSuchTagSet",
    "<Key>a</Key><Value>b</Value>",
  ],
  [
    "encryption",
    "encryption",
    "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>AES256</SSEAlgorithm></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>",
    "ServerSideEncryptionConfigurationNotFoundError",
    "AES256",
  ],
  [
    "ownership",
    "ownershipControls",
    "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule></OwnershipControls>",
    "OwnershipControlsNotFoundError",
    "BucketOwnerPreferred",
  ],
  [
    "a block of public access",
    "publicAccessBlock",
    "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>",
    "NoSuchPublicAccessBlockConfiguration",
    "<IgnorePublicAcls>false</IgnorePublicAcls>",
  ],
  [
    "notifications",
    "notification",
    "<NotificationConfiguration><QueueConfiguration><Id>1</Id><Queue>arn:aws:sqs:us-east-1:1:q</Queue><Event>s3:ObjectCreated:*</Event></QueueConfiguration></NotificationConfiguration>",
    undefined,
    "arn:aws:sqs",
  ],
  [
    "who pays",
    "requestPayment",
    "<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>",
    undefined,
    "Requester",
  ],
  [
    "a lifecycle",
    "lifecycle",
    "<LifecycleConfiguration><Rule><Filter><Prefix>a</Prefix></Filter><Status>Enabled</Status><Expiration><Days>3</Days></Expiration></Rule></LifecycleConfiguration>",
    "NoSuchLifecycleConfiguration",
    "<Filter><Prefix>a</Prefix></Filter>",
  ],
])("%s of a bucket are kept and given back", async (_, query, document, absent, shown) => {
  const bucket = `b-${query.toLowerCase()}`;
  await cluster.client.buckets.create(bucket);
  const before = await cluster.s3.get(`/${bucket}`, mark(query));
  if (absent === undefined) expect(before.status).toBe(200);
  else expect(before).toMatchObject({ status: 404, code: absent });
  const refused = await cluster.s3.put(`/${bucket}`, "<Nothing/>", mark(query));
  expect(refused).toMatchObject({ status: 400, code: "MalformedXML" });
  const put = await cluster.s3.put(`/${bucket}`, document, mark(query));
  expect(put.status).toBeLessThan(300);
  const after = await cluster.s3.get(`/${bucket}`, mark(query));
  expect(after.status).toBe(200);
  expect(after.text).toContain(shown);
  if (absent === undefined) return;
  expect((await cluster.s3.delete(`/${bucket}`, mark(query))).status).toBe(204);
  expect(await cluster.s3.get(`/${bucket}`, mark(query))).toMatchObject({ code: absent });
});

test("what is kept of a bucket that is not there is NoSuchBucket", async () => {
  const get = await cluster.s3.get("/no-bucket", mark("versioning"));
  expect(get).toMatchObject({ status: 404, code: "NoSuchBucket" });
  const document = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
  const put = await cluster.s3.put("/no-bucket", document, mark("versioning"));
  expect(put).toMatchObject({ status: 404, code: "NoSuchBucket" });
});

test("versioning is switched on and suspended, and stays on under object lock", async () => {
  await cluster.client.buckets.create("versioned");
  const status = async () => (await cluster.s3.get("/versioned", mark("versioning"))).text;
  const set = (word: string) =>
    cluster.s3.put(
      "/versioned",
      `<VersioningConfiguration><Status>${word}</Status></VersioningConfiguration>`,
      mark("versioning"),
    );
  const lock = (inner: string) =>
    cluster.s3.put(
      "/versioned",
      `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>${inner}</ObjectLockConfiguration>`,
      mark("object-lock"),
    );
  expect(await status()).not.toContain("<Status>");
  expect(await lock("")).toMatchObject({ status: 409, code: "InvalidBucketState" });
  expect((await set("Enabled")).status).toBe(200);
  expect(await status()).toContain("<Status>Enabled</Status>");
  expect((await set("Suspended")).status).toBe(200);
  expect(await status()).toContain("<Status>Suspended</Status>");
  expect((await set("Enabled")).status).toBe(200);
  const before = await cluster.s3.get("/versioned", mark("object-lock"));
  expect(before).toMatchObject({ status: 404, code: "ObjectLockConfigurationNotFoundError" });
  const days =
    "<Rule><DefaultRetention><Mode>GOVERNANCE</Mode><Days>2</Days></DefaultRetention></Rule>";
  expect((await lock(days)).status).toBe(200);
  expect((await cluster.s3.get("/versioned", mark("object-lock"))).text).toContain(days);
  expect(await set("Suspended")).toMatchObject({ status: 409, code: "InvalidBucketState" });
});

test("an ACL is set by a canned name, by headers and by a document", async () => {
  await cluster.client.buckets.create("listed");
  const user = await cluster.client.access.createUser("reader", { email: "reader@a.example" });
  const shown = async () => (await cluster.s3.get("/listed", mark("acl"))).text;
  expect(await shown()).toMatch(/<Owner><ID>[0-9a-f]{64}<\/ID><DisplayName>root<\/DisplayName>/);
  const put = (headers: Record<string, string>, body = "") =>
    cluster.s3.put("/listed", body, { ...mark("acl"), headers });
  expect((await put({ "x-amz-acl": "public-read" })).status).toBe(200);
  expect(await shown()).toContain("global/AllUsers</URI></Grantee><Permission>READ</Permission>");
  expect((await put({ "x-amz-grant-write": "emailAddress=reader@a.example" })).status).toBe(200);
  expect(await shown()).toContain(
    `<ID>${user.userId}</ID><DisplayName>reader</DisplayName></Grantee><Permission>WRITE</Permission>`,
  );
  const document = (await shown()).replace("WRITE<", "READ_ACP<");
  expect((await put({}, document)).status).toBe(200);
  expect(await shown()).toContain("<Permission>READ_ACP</Permission>");
  expect(await put({ "x-amz-acl": "nobody" })).toMatchObject({ code: "InvalidArgument" });
  expect(await put({ "x-amz-grant-read": "id=nobody" })).toMatchObject({ code: "InvalidArgument" });
  expect(await put({ "x-amz-grant-read": "emailAddress=x@y" })).toMatchObject({
    code: "UnresolvableGrantByEmailAddress",
  });
  expect(await put({}, "<AccessControlPolicy/>")).toMatchObject({ code: "MalformedACLError" });
});

test("a bucket that blocks public ACLs or has ACLs switched off takes none", async () => {
  await cluster.client.buckets.create("closed");
  const acl = (name: string) =>
    cluster.s3.put("/closed", "", { ...mark("acl"), headers: { "x-amz-acl": name } });
  const put = (query: string, document: string) => cluster.s3.put("/closed", document, mark(query));
  await put(
    "publicAccessBlock",
    "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>",
  );
  expect(await acl("public-read")).toMatchObject({ status: 403, code: "AccessDenied" });
  expect((await acl("log-delivery-write")).status).toBe(200);
  const enforce =
    "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>";
  expect(await put("ownershipControls", enforce)).toMatchObject({
    code: "InvalidBucketAclWithObjectOwnership",
  });
  expect((await acl("private")).status).toBe(200);
  expect((await put("ownershipControls", enforce)).status).toBe(200);
  expect(await acl("private")).toMatchObject({ code: "AccessControlListNotSupported" });
});

test("a document whose MD5 is another than the request says is not taken", async () => {
  await cluster.client.buckets.create("digested");
  const put = (md5: string) =>
    cluster.s3.put("/digested", "<BucketLoggingStatus/>", {
      ...mark("logging"),
      headers: { "content-md5": md5 },
    });
  expect(await put("AAAA")).toMatchObject({ code: "InvalidDigest" });
  expect(await put("AAAAAAAAAAAAAAAAAAAAAA==")).toMatchObject({ code: "BadDigest" });
});
