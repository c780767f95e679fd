import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { eventually } from "@cairnfs/base/testing/eventually";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CommandFolder, DevCluster } from "./cairn-command.ts";

describe("with a cluster", () => {
  let cluster: DevCluster;
  let folder: CommandFolder;

  beforeAll(async () => {
    cluster = await DevCluster.start();
    folder = cluster.folder;
    await writeFile(folder.file("big.bin"), randomBytes(64 * 1024 * 1024));
  });
  afterAll(async () => {
    await cluster[Symbol.asyncDispose]();
  });

  test("an upload that is interrupted leaves neither a file nor an open session", async () => {
    // Endless, so that it is surely under way.
    const { child, ended } = folder.start(["put", "-", "/interrupted"]);
    const feed = () =>
      void (child.stdin?.writable === true && child.stdin.write(randomBytes(1_000_000)));
    child.stdin?.on("drain", feed);
    for (let part = 0; part < 4; part++) feed();
    await eventually(async () => {
      expect(JSON.parse(await folder.ok("status", "--json")).openUploads).toBe(1);
    });
    child.kill("SIGINT");
    expect(await ended).toMatchObject({ code: 130, err: "" });
    expect(await folder.run(["stat", "/interrupted"])).toMatchObject({ code: 3 });
    expect(JSON.parse(await folder.ok("status", "--json")).openUploads).toBe(0);
  });

  test("a download that is interrupted leaves nothing in its folder", async () => {
    await folder.ok("put", "big.bin", "/big");
    await mkdir(folder.file("down"));
    const { child, ended } = folder.start(["get", "/big", "down/big"]);
    await eventually(async () => {
      // The temporary file is there: bytes are on their way.
      expect(await readdir(folder.file("down"))).not.toEqual([]);
    });
    child.kill("SIGTERM");
    const { code } = await ended;
    // It may have been done in the meantime; half a file is what must not be.
    expect([143, 0]).toContain(code);
    expect(await readdir(folder.file("down"))).toEqual(code === 0 ? ["big"] : []);
  });

  test.each([
    [["ls", "/nothing"], 3, "nothing is at /nothing"],
    [["cat", "/"], 4, "is a directory"],
    [["put", "/no/such/file", "/x"], 3, "no such file or folder here"],
    [["put", ".", "/x"], 4, "add -r"],
    [["get", "/big", "/no/such/folder/x"], 3, "no such file or folder here"],
    [["ls", "/a/../b"], 2, "paths in the cluster start at its root"],
    [["rm", "-r", "/"], 2, "the root is not removed"],
    [["mkdir", "/big/sub"], 4, ""],
    [["ls", "--no-such-option"], 2, "unknown option"],
    [["lss"], 2, "Did you mean ls"],
    [["put", "one"], 2, "a source and a target"],
    [["ls", "--coordinator", "nonsense"], 2, "HOST:PORT"],
    [["ls", "--coordinator", "127.0.0.1:1"], 7, "no coordinator answers at 127.0.0.1:1"],
  ])("cairn %j ends with %d and says why", async (arguments_, code, words) => {
    const ended = await folder.run(arguments_);
    expect(ended).toMatchObject({ code, out: "" });
    expect(ended.err).toContain(words);
    expect(ended.err).not.toMatch(/^\s+at /mu);
  });

  test("with --json a failure is a document on stderr", async () => {
    const { err } = await folder.run(["stat", "--json", "/nothing"]);
    expect(JSON.parse(err).error).toMatchObject({ reason: "pathNotFound", exitCode: 3 });
  });

  test("a second cairn dev on the folder is refused, and so is one on a port that is taken", async () => {
    const second = await folder.run(["dev", "--port", "0"]);
    expect(second).toMatchObject({ code: 4 });
    expect(second.err).toContain(cluster.address);
    await using other = await CommandFolder.make();
    const port = cluster.address.split(":")[1] ?? "";
    const taken = await other.run(["dev", "--port", port]);
    expect(taken).toMatchObject({ code: 4 });
    expect(taken.err).toContain(`127.0.0.1:${port} is taken by process`);
    expect(taken.err).toContain("--port 0");
  });

  test("the cluster is found by flag, variable and saved setting from any folder", async () => {
    await using elsewhere = await CommandFolder.make();
    expect(await elsewhere.run(["ls"])).toMatchObject({ code: 2 });
    const { address } = cluster;
    expect(await elsewhere.run(["ls", "--coordinator", address])).toMatchObject({ code: 0 });
    expect(await elsewhere.run(["--coordinator", address, "ls"])).toMatchObject({ code: 0 });
    expect(await elsewhere.run(["ls"], { env: { CAIRN_COORDINATOR: address } })).toMatchObject({
      code: 0,
    });
    await elsewhere.ok("config", "set", "coordinator", address);
    expect(await elsewhere.ok("config", "get", "coordinator")).toBe(`${address}\n`);
    expect(await elsewhere.run(["ls"])).toMatchObject({ code: 0 });
    expect(JSON.parse(await elsewhere.ok("config", "show", "--json")).cluster.coordinators).toEqual(
      [address],
    );
    await elsewhere.ok("config", "set", "coordinator", "");
    expect(await elsewhere.run(["ls"])).toMatchObject({ code: 2 });
  });

  test("what was stored is there again after Ctrl-C and another start", async () => {
    await folder.run(["put", "-", "/stays"], { stdin: "still here" });
    expect(await cluster.stop()).toMatchObject({ code: 0 });
    expect((await folder.run(["ls"])).err).toContain("no cluster is known here");
    const again = folder.start(["dev", "--port", "0", "--json"]);
    await eventually(async () => expect(await folder.ok("cat", "/stays")).toBe("still here"));
    again.child.kill("SIGTERM");
    expect(await again.ended).toMatchObject({ code: 0 });
  });
});

describe("without a cluster", () => {
  test.runIf(process.platform === "linux")(
    "the completion for bash completes commands, options and subcommands",
    async () => {
      await using folder = await CommandFolder.make();
      await writeFile(folder.file("cairn.bash"), await folder.ok("completion", "bash"));
      const complete = (...words: readonly string[]) => {
        const line = words.map((word) => `'${word}'`).join(" ");
        const script = `source ./cairn.bash; COMP_WORDS=(${line}); COMP_CWORD=${words.length - 1}; _cairn 2>/dev/null; printf '%s\n' "\${COMPREPLY[@]}"`;
        return execFileSync("bash", ["-c", script], { cwd: folder.path, encoding: "utf8" })
          .trim()
          .split("\n");
      };
      expect(complete("cairn", "pu")).toEqual(["put"]);
      expect(complete("cairn", "cluster", "")).toEqual(
        expect.arrayContaining(["up", "down", "status"]),
      );
      expect(complete("cairn", "put", "--rec")).toEqual(["--recursive"]);
      expect(complete("cairn", "cluster", "up", "--data")).toEqual(["--data", "--datanodes"]);
      expect(complete("cairn", "put", "cairn.b")).toEqual(["cairn.bash"]);
    },
  );

  test("a server that is told nonsense says all that is wrong, and where it was said", async () => {
    await using folder = await CommandFolder.make();
    await writeFile(folder.file("c.yaml"), "adress: x\nsuspectAfterMs: soon\n");
    const { code, err } = await folder.run(["coordinator", "--config", "c.yaml"], {
      env: { CAIRN_DEFAULT_REPLICATION_FACTOR: "99" },
    });
    expect(code).toBe(2);
    expect(err).toContain("adress (c.yaml:1) is not a setting: did you mean address?");
    expect(err).toContain('suspectAfterMs is "soon" (c.yaml:2): expected a duration');
    expect(err).toContain('defaultReplicationFactor is "99" (CAIRN_DEFAULT_REPLICATION_FACTOR)');
  });
});
