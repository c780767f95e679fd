import { randomBytes } from "node:crypto";
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  stat,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CommandFolder, DevCluster } from "./cairn-command.ts";

let cluster: DevCluster;
let folder: CommandFolder;

beforeAll(async () => {
  cluster = await DevCluster.start();
  folder = cluster.folder;
});
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

describe("one file", () => {
  test("a file goes in and comes out the same, below directories that were not there", async () => {
    const bytes = randomBytes(20_000_000);
    await writeFile(folder.file("big.bin"), bytes);
    await folder.ok("put", "big.bin", "cairn:/round/trip/");
    await folder.ok("get", "/round/trip/big.bin", "copy.bin");
    expect(bytes.equals(await readFile(folder.file("copy.bin")))).toBe(true);
    const entry = JSON.parse(await folder.ok("stat", "--json", "/round/trip/big.bin"));
    expect(entry).toMatchObject({ kind: "file", sizeBytes: 20_000_000, chunkCount: 3 });
    expect((await stat(folder.file("copy.bin"))).mode & 0o777).toBe(0o666 & ~process.umask());
  });

  test("pipes work both ways, for empty, small and large", async () => {
    for (const bytes of [Buffer.alloc(0), Buffer.from("hello\n"), randomBytes(9_000_000)]) {
      expect(await folder.run(["put", "-", "/pipe"], { stdin: bytes })).toMatchObject({ code: 0 });
      expect((await folder.run(["cat", "/pipe"])).bytes.equals(bytes)).toBe(true);
      expect((await folder.run(["get", "/pipe", "-"])).bytes.equals(bytes)).toBe(true);
    }
  });

  test("a range is cut out exactly", async () => {
    await folder.run(["put", "-", "/range"], { stdin: "0123456789" });
    expect(await folder.ok("cat", "--offset", "3", "--length", "4", "/range")).toBe("3456");
    expect(await folder.ok("cat", "--offset", "10", "/range")).toBe("");
    expect(await folder.ok("cat", "--offset", "11", "/range")).toBe("");
  });

  test("a large file goes to and from a pipe that nobody reads to its end, quietly", async () => {
    await folder.run(["put", "-", "/long"], { stdin: randomBytes(8_000_000) });
    const { child, ended } = folder.start(["cat", "/long"]);
    child.stdout?.once("data", () => child.stdout?.destroy());
    expect(await ended).toMatchObject({ code: 141, err: "" });
  });

  test("an existing file is replaced, or kept with --no-clobber", async () => {
    await folder.run(["put", "-", "/kept"], { stdin: "old" });
    await writeFile(folder.file("new.txt"), "new");
    expect(await folder.run(["put", "-n", "new.txt", "/kept"])).toMatchObject({ code: 4 });
    expect(await folder.ok("cat", "/kept")).toBe("old");
    await folder.ok("put", "new.txt", "/kept");
    expect(await folder.ok("cat", "/kept")).toBe("new");
    await writeFile(folder.file("here.txt"), "here");
    expect(await folder.run(["get", "-n", "/kept", "here.txt"])).toMatchObject({ code: 4 });
    expect(await readFile(folder.file("here.txt"), "utf8")).toBe("here");
  });

  test("mode and time are kept with -p, in and out", async () => {
    await writeFile(folder.file("tool"), "#!/bin/sh\n");
    await chmod(folder.file("tool"), 0o750);
    await utimes(folder.file("tool"), 1_500_000_000, 1_500_000_000);
    await folder.ok("put", "-p", "tool", "/kept-tool");
    const entry = JSON.parse(await folder.ok("stat", "--json", "/kept-tool"));
    expect(entry).toMatchObject({ mode: 0o750, modifiedMs: 1_500_000_000_000 });
    await folder.ok("get", "-p", "/kept-tool", "tool-again");
    const again = await stat(folder.file("tool-again"));
    expect([again.mode & 0o777, again.mtimeMs]).toEqual([0o750, 1_500_000_000_000]);
  });
});

describe("trees", () => {
  const NAMES = [
    "plain.txt",
    "new\nline",
    "-dash",
    "ü 日本 💧",
    " space ",
    "quo'te\"",
    "back\\slash",
    "[a]*?",
  ];

  test("a tree of strange names goes in and comes out the same, empty folders and all", async () => {
    const tree = folder.file("strange");
    await mkdir(`${tree}/sub/empty`, { recursive: true });
    for (const name of NAMES) await writeFile(`${tree}/${name}`, name);
    for (const name of NAMES) await writeFile(`${tree}/sub/${name}`, `sub ${name}`);
    await folder.ok("put", "-r", "strange", "/strange");
    await folder.ok("get", "-r", "/strange", "strange-again");
    expect((await readdir(folder.file("strange-again"))).sort()).toEqual([...NAMES, "sub"].sort());
    for (const name of NAMES) {
      expect(await readFile(folder.file("strange-again", "sub", name), "utf8")).toBe(`sub ${name}`);
    }
    expect(await readdir(folder.file("strange-again/sub/empty"))).toEqual([]);

    const listed = (await folder.ok("ls", "-0", "/strange")).split("\0").slice(0, -1);
    expect(listed.sort()).toEqual([...NAMES, "sub"].sort());
    const all = await folder.ok("cat", "--", ...NAMES.map((name) => `/strange/${name}`));
    expect(all).toBe(NAMES.join(""));
    await folder.ok("rm", "--", "/strange/-dash", "/strange/[a]*?");
    expect(await folder.ok("ls", "--json", "/strange")).not.toContain("dash");
    expect(await folder.ok("cat", "/strange/plain.txt")).toBe("plain.txt");
  });

  test("into a directory that is there a tree goes under its name, else it becomes the target", async () => {
    await mkdir(folder.file("photos"));
    await writeFile(folder.file("photos/a.jpg"), "a");
    await folder.ok("put", "-r", "photos", "/album");
    await folder.ok("put", "-r", "photos", "/album");
    await folder.ok("put", "-r", "photos/.", "/album/photos/flat/");
    const paths = (await folder.ok("tree", "--json", "/album"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).path);
    expect(paths).toEqual([
      "/album",
      "/album/a.jpg",
      "/album/photos",
      "/album/photos/a.jpg",
      "/album/photos/flat",
      "/album/photos/flat/a.jpg",
    ]);
  });

  test("links to files are followed, what is neither file nor folder is passed over and told", async () => {
    await mkdir(folder.file("links"));
    await writeFile(folder.file("linked.txt"), "linked");
    await symlink("../linked.txt", folder.file("links/good"));
    await symlink("/nowhere", folder.file("links/dead"));
    await symlink("..", folder.file("links/up"));
    const { code, err } = await folder.run(["put", "-r", "links", "/links"]);
    expect(code).toBe(0);
    expect(err).toContain("links/dead: passed over, a link that leads nowhere");
    expect(err).toContain("links/up: passed over, a link to a folder");
    expect(await folder.ok("cat", "/links/good")).toBe("linked");
  });

  test("one file that fails does not stop the others, and the exit code says so", async () => {
    await writeFile(folder.file("one.txt"), "1");
    await writeFile(folder.file("two.txt"), "2");
    const { code, err } = await folder.run(["put", "one.txt", "missing.txt", "two.txt", "/some/"]);
    expect(code).toBe(10);
    expect(err).toContain("missing.txt: no such file or folder here");
    expect(err).toContain("1 file failed, 2 files done");
    expect(await folder.ok("ls", "/some")).toBe("one.txt\ntwo.txt\n");
  });

  test("within the cluster trees are copied, moved and removed without their bytes moving", async () => {
    await folder.run(["put", "-", "/from/deep/a"], { stdin: "a" });
    await folder.ok("cp", "-r", "cairn:/from", "cairn:/to");
    await folder.ok("mv", "/from/deep", "/moved");
    expect(await folder.ok("cat", "/to/deep/a", "/moved/a")).toBe("aa");
    expect(await folder.ok("ls", "/from")).toBe("");
    expect(await folder.run(["cp", "-r", "cairn:/to", "cairn:/to/in"])).toMatchObject({ code: 2 });
    expect(await folder.run(["rm", "/to"])).toMatchObject({ code: 4 });
    await folder.ok("rm", "-r", "/to");
    expect(await folder.run(["ls", "/to"])).toMatchObject({ code: 3 });
    expect(await folder.run(["rm", "-f", "/to"])).toMatchObject({ code: 0 });
  });

  test("cp goes both ways between here and the cluster", async () => {
    await writeFile(folder.file("cp.txt"), "cp");
    await folder.ok("cp", "cp.txt", "cairn:/cp/");
    await folder.ok("cp", "cairn:/cp/cp.txt", "cp-again.txt");
    expect(await readFile(folder.file("cp-again.txt"), "utf8")).toBe("cp");
    expect(await folder.ok("cp", "cairn:/cp/cp.txt", "-")).toBe("cp");
    expect(await folder.run(["cp", "cp.txt", "elsewhere.txt"])).toMatchObject({ code: 2 });
  });
});

describe("looking", () => {
  beforeAll(async () => {
    for (const name of ["a.jpg", "b.jpg", "c.png", "sub/d.jpg", "sub/deep/e.jpg"]) {
      await folder.run(["put", "-", `/look/${name}`], { stdin: name });
    }
  });

  test("patterns are matched in the cluster, and a name that is there means itself", async () => {
    expect(await folder.ok("ls", "/look/*.jpg")).toBe("/look/a.jpg\n/look/b.jpg\n");
    expect(await folder.ok("ls", "/look/**/*.jpg")).toBe(
      "/look/a.jpg\n/look/b.jpg\n/look/sub/d.jpg\n/look/sub/deep/e.jpg\n",
    );
    expect(await folder.ok("cat", "/look/[bc].*")).toBe("b.jpgc.png");
    expect(await folder.run(["ls", "/look/*.gif"])).toMatchObject({ code: 3 });
    await folder.ok("get", "/look/*.jpg", "globbed/");
    expect((await readdir(folder.file("globbed"))).sort()).toEqual(["a.jpg", "b.jpg"]);
  });

  test("a listing has directories with a slash, and each entry as JSON where asked", async () => {
    expect(await folder.ok("ls", "/look")).toBe("a.jpg\nb.jpg\nc.png\nsub/\n");
    const rows = (await folder.ok("ls", "--json", "/look"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows.map(({ path, kind, sizeBytes }) => [path, kind, sizeBytes])).toEqual([
      ["/look/a.jpg", "file", 5],
      ["/look/b.jpg", "file", 5],
      ["/look/c.png", "file", 5],
      ["/look/sub", "directory", 0],
    ]);
    expect(await folder.ok("ls", "-lb", "/look/a.jpg")).toMatch(
      /^-rw-r--r-- {2}5 {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}inline {2}\/look\/a\.jpg\n$/u,
    );
  });

  test("tree draws what is below, du adds it up", async () => {
    expect(await folder.ok("tree", "/look")).toBe(
      [
        "cairn:/look/",
        "├── a.jpg",
        "├── b.jpg",
        "├── c.png",
        "└── sub/",
        "    ├── d.jpg",
        "    └── deep/",
        "        └── e.jpg",
        "",
        "2 directories, 5 files",
        "",
      ].join("\n"),
    );
    const [usage] = (await folder.ok("du", "--json", "/look"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(usage).toMatchObject({ path: "/look", sizeBytes: 38, fileCount: 5, directoryCount: 2 });
    expect((await folder.ok("du", "-b", "-d", "1", "/look")).split("\n").at(1)).toMatch(
      /^ *23 .* cairn:\/look\/sub$/u,
    );
  });

  test("mkdir makes directories with parents and policies", async () => {
    expect(await folder.run(["mkdir", "/made/deep"])).toMatchObject({ code: 3 });
    await folder.ok("mkdir", "-p", "/made/deep");
    await folder.ok("mkdir", "--chunk-size", "1MiB", "--replicas", "2", "/made/policy");
    expect(await folder.run(["mkdir", "/made/deep"])).toMatchObject({ code: 4 });
    await folder.run(["put", "-", "/made/policy/f"], { stdin: randomBytes(3_000_000) });
    expect(JSON.parse(await folder.ok("stat", "--json", "/made/policy/f"))).toMatchObject({
      chunkCount: 3,
      replicationFactor: 2,
    });
  });

  test("status, df and node ls agree on the nodes", async () => {
    const state = JSON.parse(await folder.ok("status", "--json", "--check"));
    expect(state.troubles).toEqual([]);
    const nodes = (await folder.ok("node", "ls", "--json"))
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(nodes.map(({ state }) => state)).toEqual(["healthy", "healthy", "healthy"]);
    const df = JSON.parse(await folder.ok("df", "--json"));
    expect(df.nodes).toHaveLength(3);
    expect(await folder.ok("status")).toContain("3 of 3 healthy");
    expect(await folder.ok("status")).toContain("every chunk has its wanted copies");
  });

  test("explain shows where the copies of a file are", async () => {
    await folder.run(["put", "-", "/explained"], { stdin: randomBytes(100_000) });
    await folder.run(["put", "-", "/in-metadata"], { stdin: Buffer.from("little") });
    expect(await folder.ok("explain", "--check", "/explained")).toContain(
      "1 chunk, none of them lacking copies",
    );
    const all = await folder.ok("explain", "--all", "/explained");
    expect(all.match(/healthy +held/gu)).toHaveLength(3);
    const chunk = JSON.parse(await folder.ok("explain", "--all", "--json", "/explained"));
    expect(chunk).toMatchObject({ liveCopies: 3, wantedCopies: 3, forecast: "notNeeded" });
    expect(await folder.ok("explain", "/in-metadata")).toContain("in the metadata");
    expect(await folder.run(["explain", "/nowhere"])).toMatchObject({ code: 3 });
  });
});
