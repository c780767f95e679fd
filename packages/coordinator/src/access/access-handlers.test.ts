import { SystemClock } from "@cairnfs/base/clock";
import { hasReason } from "@cairnfs/base/errors";
import { Prng } from "@cairnfs/base/random";
import { AccessService } from "@cairnfs/protocol/gen/cairn/v1/access_pb";
import { createClient } from "@cairnfs/protocol/rpc/create-client";
import { expect, test } from "vitest";
import { CoordinatorCluster } from "../testing/coordinator-cluster.ts";

test("the root user is there from the first start and has its key made once", async () => {
  await using cluster = await CoordinatorCluster.open(0);
  const client = cluster.clientOf(AccessService);
  const { user } = await client.findUser({ user: { case: "name", value: "root" } });
  expect(user).toMatchObject({ name: "root", isRoot: true, policies: {} });
  expect(user?.id).toMatch(/^[0-9a-f]{64}$/u);
  expect((await client.listAccessKeys({})).keys).toEqual([]);

  const made = await client.ensureRootKey({});
  expect(made.key).toMatchObject({ userName: "root", isDisabled: false, expiresMs: 0n });
  expect(made.key?.accessKeyId).toMatch(/^CAIRN[A-Z2-7]{15}$/u);
  expect(made.secretKey).toMatch(/^[a-z2-7]{40}$/u);
  expect((await client.ensureRootKey({})).key).toBeUndefined();

  await client.removeAccessKey({ accessKeyId: made.key?.accessKeyId ?? "" });
  await cluster.restart();
  // Keys of its own: with those of the first client it would be told the first answer again.
  const transport = cluster.network.connect(cluster.coordinator.address);
  const parts = { clock: new SystemClock(), random: new Prng(10), timeoutMs: 5000 };
  const again = createClient(AccessService, transport, parts);
  expect((await again.ensureRootKey({})).key).toBeUndefined();
  expect((await again.findUser({ user: { case: "name", value: "root" } })).user?.id).toBe(user?.id);
});

test("a key that the operator made for root counts as its first", async () => {
  await using cluster = await CoordinatorCluster.open(0);
  const client = cluster.clientOf(AccessService);
  const pair = { accessKeyId: "elsewhere", secretKey: "made-elsewhere" };
  expect(await client.createAccessKey({ ...pair })).toMatchObject({
    key: { accessKeyId: "elsewhere", userName: "root" },
    secretKey: "made-elsewhere",
  });
  expect((await client.ensureRootKey({})).key).toBeUndefined();
});

test("a key is found with its secret and its user until it or the user is removed", async () => {
  await using cluster = await CoordinatorCluster.open(0);
  const client = cluster.clientOf(AccessService);
  const { user } = await client.createUser({ name: "alice", email: "Alice@example.org" });
  const made = await client.createAccessKey({ userName: "alice", description: "laptop" });
  const other = await client.createAccessKey({ userName: "alice" });
  const accessKeyId = made.key?.accessKeyId ?? "";
  expect(await client.findAccessKey({ accessKeyId })).toMatchObject({
    key: { accessKeyId, userName: "alice", description: "laptop" },
    secretKey: made.secretKey,
    user: { id: user?.id, name: "alice", isRoot: false },
  });

  await client.setAccessKey({ accessKeyId, isDisabled: true });
  expect((await client.findAccessKey({ accessKeyId })).key?.isDisabled).toBe(true);
  await client.removeAccessKey({ accessKeyId });
  await expect(client.findAccessKey({ accessKeyId })).rejects.toMatchObject({
    reason: "accessKeyNotFound",
  });
  await expect(client.removeAccessKey({ accessKeyId })).rejects.toMatchObject({
    reason: "accessKeyNotFound",
  });

  await client.removeUser({ name: "alice" });
  const accessKeyIdOther = other.key?.accessKeyId ?? "";
  await expect(client.findAccessKey({ accessKeyId: accessKeyIdOther })).rejects.toMatchObject({
    reason: "accessKeyNotFound",
  });
  for (const choice of [
    { case: "name", value: "alice" },
    { case: "id", value: user?.id ?? "" },
    { case: "email", value: "alice@example.org" },
  ] as const) {
    await expect(client.findUser({ user: choice })).rejects.toMatchObject({
      reason: "userNotFound",
    });
  }
  expect((await client.listAccessKeys({})).keys).toEqual([]);
});

test("names, emails and key ids are taken once", async () => {
  await using cluster = await CoordinatorCluster.open(0);
  const client = cluster.clientOf(AccessService);
  await client.createUser({ name: "alice", email: "alice@example.org" });
  await expect(client.createUser({ name: "alice" })).rejects.toMatchObject({
    reason: "userExists",
  });
  await expect(
    client.createUser({ name: "bob", email: "ALICE@example.org" }),
  ).rejects.toMatchObject({ reason: "userExists" });
  const found = await client.findUser({ user: { case: "email", value: "aLiCe@example.org" } });
  expect(found.user?.name).toBe("alice");

  const pair = { accessKeyId: "one", secretKey: "12345678" };
  await client.createAccessKey({ userName: "alice", ...pair });
  await expect(client.createAccessKey({ ...pair })).rejects.toMatchObject({
    reason: "accessKeyExists",
  });
  const results = await Promise.allSettled(
    ["a", "b"].map(() => client.createUser({ name: "carol" })),
  );
  expect(results.map(({ status }) => status).sort()).toEqual(["fulfilled", "rejected"]);
});

test("what makes no sense is refused, and no secret is in the message", async () => {
  await using cluster = await CoordinatorCluster.open(0);
  const client = cluster.clientOf(AccessService);
  await client.createUser({ name: "alice" });
  const refused = [
    client.createUser({ name: "" }),
    client.createUser({ name: "a/b" }),
    client.createUser({ name: "a".repeat(65) }),
    client.createUser({ name: "bob", email: "nobody" }),
    client.removeUser({ name: "root" }),
    client.findUser({}),
    client.createAccessKey({ accessKeyId: "only-the-id" }),
    client.createAccessKey({ accessKeyId: "a/b", secretKey: "12345678" }),
    client.createAccessKey({ accessKeyId: "abc", secretKey: "geheim\u00e9 " }),
    client.createAccessKey({ expiresMs: 1n }),
    client.createAccessKey({ description: "x".repeat(257) }),
    client.setUserPolicy({ userName: "alice", policyName: "", document: "{}" }),
    client.listUsers({ limit: 1001 }),
  ];
  for (const [at, call] of refused.entries()) {
    const error: unknown = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(hasReason(error, "invalidArgument"), `call ${at}: ${String(error)}`).toBe(true);
    expect(String(error)).not.toContain("geheim");
  }
  await expect(client.createAccessKey({ userName: "nobody" })).rejects.toMatchObject({
    reason: "userNotFound",
  });
  await expect(client.listAccessKeys({ userName: "nobody" })).rejects.toMatchObject({
    reason: "userNotFound",
  });
});

test("a listing goes on where its last page ended", async () => {
  await using cluster = await CoordinatorCluster.open(0);
  const client = cluster.clientOf(AccessService);
  for (const name of ["carol", "alice", "bob"]) {
    await client.createUser({ name });
    for (const number of [1, 2]) {
      const pair = { accessKeyId: `${name}-${number}`, secretKey: "12345678" };
      await client.createAccessKey({ userName: name, ...pair });
    }
  }
  const first = await client.listUsers({ limit: 3 });
  expect(first.users.map(({ name }) => name)).toEqual(["alice", "bob", "carol"]);
  const second = await client.listUsers({ limit: 3, after: first.nextAfter });
  expect(second).toMatchObject({ users: [{ name: "root" }], nextAfter: "" });

  const ids: string[] = [];
  let after = "";
  do {
    const page = await client.listAccessKeys({ after, limit: 4 });
    ids.push(...page.keys.map(({ accessKeyId }) => accessKeyId));
    after = page.nextAfter;
  } while (after !== "");
  expect(ids).toEqual(["alice-1", "alice-2", "bob-1", "bob-2", "carol-1", "carol-2"]);
  const one = await client.listAccessKeys({ userName: "bob", limit: 1, after: "bob-1" });
  expect(one.keys.map(({ accessKeyId }) => accessKeyId)).toEqual(["bob-2"]);
});

test("a user has a limited number of keys", async () => {
  await using cluster = await CoordinatorCluster.open(0);
  const client = cluster.clientOf(AccessService);
  for (let made = 0; made < 100; made++) await client.createAccessKey({});
  await expect(client.createAccessKey({})).rejects.toMatchObject({ reason: "invalidArgument" });
});

test("a user has policies that are sound, and a limited number of them", async () => {
  await using cluster = await CoordinatorCluster.open(0);
  const client = cluster.clientOf(AccessService);
  await client.createUser({ name: "alice" });
  const document = JSON.stringify({
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Action: "s3:*", Resource: "*" },
  });
  const set = (policyName: string, text: string) =>
    client.setUserPolicy({ userName: "alice", policyName, document: text });
  expect((await set("all", document)).user?.policies).toEqual({ all: document });
  for (const broken of ["{", "[]", document.replace("Allow", "allow"), " ".repeat(20_481)]) {
    await expect(set("all", broken)).rejects.toMatchObject({ reason: "malformedPolicy" });
  }
  for (let number = 2; number <= 10; number++) await set(`policy-${number}`, document);
  await expect(set("one-more", document)).rejects.toMatchObject({ reason: "invalidArgument" });
  await set("all", document);
  const { user } = await set("policy-2", "");
  expect(Object.keys(user?.policies ?? {})).toHaveLength(9);
});
