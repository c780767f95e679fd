import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { DevCluster } from "./cairn-command.ts";

interface ShownKey {
  readonly accessKeyId: string;
  readonly secretKey?: string;
  readonly userName: string;
  readonly isDisabled: boolean;
}

function lines<T>(out: string): readonly T[] {
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line): T => JSON.parse(line));
}

test("users, keys and policies are made, shown and taken away on the command line", async () => {
  await using cluster = await DevCluster.start();
  const { folder } = cluster;
  const shown = await folder.ok("user", "create", "alice", "--preset", "own-buckets", "--key");
  expect(shown).toMatch(
    /^user +alice\naccess key +CAIRN[A-Z2-7]{15}\nsecret key +[a-z2-7]{40}\n$/u,
  );
  expect(await folder.run(["user", "create", "alice"])).toMatchObject({ code: 4 });
  expect(await folder.ok("user", "ls")).toMatch(
    /^Name .*\nalice .*own-buckets.*\nroot .*\(everything\)/u,
  );

  const made: ShownKey = JSON.parse(
    await folder.ok("key", "create", "-u", "alice", "-d", "laptop", "--expires", "1h", "--json"),
  );
  expect(made.secretKey).toMatch(/^[a-z2-7]{40}$/u);
  await writeFile(folder.file("secret"), "made-elsewhere-1\n");
  await folder.ok("key", "create", "-u", "alice", "--id", "ELSEWHERE", "--secret-file", "secret");

  const { accessKeyId } = made;
  await folder.ok("key", "disable", "ELSEWHERE");
  const listed = await folder.ok("key", "ls", "--user", "alice");
  expect(listed).toMatch(new RegExp(`^${accessKeyId} .*expires in .*laptop$`, "mu"));
  expect(listed).toMatch(/^ELSEWHERE .*disabled/mu);
  await folder.ok("key", "rm", "ELSEWHERE", accessKeyId);
  expect(await folder.run(["key", "rm", accessKeyId])).toMatchObject({ code: 3 });

  expect(await folder.run(["user", "rm", "alice"])).toMatchObject({ code: 2 });
  await folder.ok("user", "rm", "alice", "-y");
  const left = lines<ShownKey>(await folder.ok("key", "ls", "--json"));
  expect(left.filter(({ userName }) => userName !== "root")).toEqual([]);

  await folder.ok("user", "create", "bob");
  const document = {
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::photos/*" }],
  };
  await writeFile(folder.file("photos-reader.json"), `\n${JSON.stringify(document)}\n`);
  await folder.ok("user", "policy", "bob", "photos-reader.json");
  await folder.ok("user", "policy", "bob", "--preset", "read-only");
  const text = JSON.stringify(document);
  expect(await folder.run(["user", "policy", "bob", "-"], { stdin: text })).toMatchObject({
    code: 2,
  });
  expect(
    await folder.run(["user", "policy", "bob", "-", "-n", "piped"], { stdin: text }),
  ).toMatchObject({ code: 0 });
  const user: { policies: Record<string, string> } = JSON.parse(
    await folder.ok("user", "policy", "bob", "--json"),
  );
  expect(Object.keys(user.policies).sort()).toEqual(["photos-reader", "piped", "read-only"]);
  expect(JSON.parse(user.policies["photos-reader"] ?? "")).toEqual(document);

  await writeFile(folder.file("broken.json"), text.replace("s3:GetObject", "s3:Frobnicate"));
  const broken = await folder.run(["user", "policy", "bob", "broken.json"]);
  expect(broken).toMatchObject({ code: 2 });
  expect(broken.err).toContain("the policy broken is not taken: Policy has invalid action");
  await folder.ok("user", "policy", "bob", "--remove", "read-only");
  const twice = await folder.run(["user", "policy", "bob", "--remove", "read-only"]);
  expect(twice).toMatchObject({ code: 3 });
  expect(twice.err).toContain("bob has no policy called read-only");
  expect(await folder.ok("user", "policy", "bob")).toMatch(/^photos-reader:\n\{\n {2}"Version"/u);
});
