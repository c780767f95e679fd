import { Buffer } from "node:buffer";
import { constants } from "node:fs";
import type { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { expect, test } from "vitest";

/** The part of `node:fs/promises` that both the real one and ours must behave alike in. */
export interface FileSystemUnderTest extends AsyncDisposable {
  readonly fs: typeof import("node:fs/promises");
  /** A directory of the test's own. */
  readonly root: string;
  createReadStream(path: string, options?: { start?: number; end?: number }): Readable;
  createWriteStream(path: string, options?: { flags?: string }): Writable;
}

/** How an operation that must fail fails: code, call and Node's wording without the paths. */
async function failure(work: Promise<unknown>): Promise<string> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const { code, syscall, errno } = error as NodeJS.ErrnoException;
    return `${code} ${errno} ${syscall} ${error.message.replace(/'[^']*'/gu, "_")}`;
  }
  return "nothing failed";
}

async function drain(stream: Readable): Promise<void> {
  for await (const part of stream) expect(part).toBeDefined();
}

const SYSTEM_WORDS = {
  ENOENT: "ENOENT -2",
  EEXIST: "EEXIST -17",
  ENOTDIR: "ENOTDIR -20",
  EISDIR: "EISDIR -21",
  ENOTEMPTY: "ENOTEMPTY -39",
  EINVAL: "EINVAL -22",
} as const;

function expected(code: keyof typeof SYSTEM_WORDS, rest: string): string {
  return `${SYSTEM_WORDS[code]} ${rest}`;
}

/** What every file system in Node's manner does, the real one included. */
export function describeFileSystem(name: string, open: () => Promise<FileSystemUnderTest>): void {
  const it = (title: string, body: (under: FileSystemUnderTest) => Promise<void>) =>
    test(`${name}: ${title}`, async () => {
      await using under = await open();
      await body(under);
    });

  it("files are written and read, whole and with encodings", async ({ fs, root }) => {
    await fs.writeFile(`${root}/a`, "grüß");
    expect(await fs.readFile(`${root}/a`)).toEqual(Buffer.from("grüß"));
    expect(await fs.readFile(`${root}/a`, "utf8")).toBe("grüß");
    expect(await fs.readFile(`${root}/a`, { encoding: "base64" })).toBe("Z3LDvMOf");
    await fs.writeFile(`${root}/a`, "6869", "hex");
    expect(await fs.readFile(Buffer.from(`${root}/a`), "latin1")).toBe("hi");
    await fs.writeFile(`${root}/a`, new Uint16Array([0x4241]));
    expect(await fs.readFile(`${root}/a`, "latin1")).toBe("AB");
    await fs.writeFile(`${root}/a`, ["one", "two"]);
    expect(await fs.readFile(`${root}/a`, "latin1")).toBe("onetwo");
  });

  it("flags decide whether a file is replaced, added to or refused", async ({ fs, root }) => {
    await fs.writeFile(`${root}/a`, "1", { flag: "wx" });
    expect(await failure(fs.writeFile(`${root}/a`, "2", { flag: "wx" }))).toBe(
      expected("EEXIST", "open EEXIST: file already exists, open _"),
    );
    await fs.appendFile(`${root}/a`, "2");
    await fs.writeFile(`${root}/a`, "3", { flag: "a" });
    expect(await fs.readFile(`${root}/a`, "utf8")).toBe("123");
    await fs.appendFile(`${root}/new`, "x");
    expect(await fs.readFile(`${root}/new`, "utf8")).toBe("x");
  });

  it("what cannot be opened says why", async ({ fs, root }) => {
    await fs.writeFile(`${root}/file`, "x");
    await fs.mkdir(`${root}/dir`);
    const noSuch = "ENOENT: no such file or directory";
    expect(await failure(fs.readFile(`${root}/no`))).toBe(
      expected("ENOENT", `open ${noSuch}, open _`),
    );
    expect(await failure(fs.writeFile(`${root}/no/a`, ""))).toBe(
      expected("ENOENT", `open ${noSuch}, open _`),
    );
    expect(await failure(fs.readFile(`${root}/file/a`))).toBe(
      expected("ENOTDIR", "open ENOTDIR: not a directory, open _"),
    );
    expect(await failure(fs.writeFile(`${root}/dir`, ""))).toBe(
      expected("EISDIR", "open EISDIR: illegal operation on a directory, open _"),
    );
    expect(await failure(fs.readFile(`${root}/dir`))).toBe(
      "EISDIR -21 read EISDIR: illegal operation on a directory, read",
    );
    expect(await failure(fs.stat(`${root}/no`))).toBe(expected("ENOENT", `stat ${noSuch}, stat _`));
    expect(await failure(fs.lstat(`${root}/no`))).toBe(
      expected("ENOENT", `lstat ${noSuch}, lstat _`),
    );
    expect(await failure(fs.access(`${root}/no`))).toBe(
      expected("ENOENT", `access ${noSuch}, access _`),
    );
    expect(await failure(fs.readdir(`${root}/no`))).toBe(
      expected("ENOENT", `scandir ${noSuch}, scandir _`),
    );
    expect(await failure(fs.readdir(`${root}/file`))).toBe(
      expected("ENOTDIR", "scandir ENOTDIR: not a directory, scandir _"),
    );
    expect(await failure(fs.unlink(`${root}/no`))).toBe(
      expected("ENOENT", `unlink ${noSuch}, unlink _`),
    );
    expect(await failure(fs.unlink(`${root}/dir`))).toMatch(/^EISDIR -21 unlink/u);
    expect(await failure(fs.rmdir(`${root}/file`))).toMatch(/^ENOTDIR -20 rmdir/u);
    expect(await failure(fs.readlink(`${root}/file`))).toMatch(/^EINVAL -22 readlink/u);
  });

  it("directories are made, listed and removed", async ({ fs, root }) => {
    await fs.mkdir(`${root}/d`);
    expect(await failure(fs.mkdir(`${root}/d`))).toBe(
      expected("EEXIST", "mkdir EEXIST: file already exists, mkdir _"),
    );
    expect(await fs.mkdir(`${root}/d/e/f`, { recursive: true })).toBe(`${root}/d/e`);
    expect(await fs.mkdir(`${root}/d/e/f`, { recursive: true })).toBeUndefined();
    await fs.writeFile(`${root}/d/file`, "x");
    expect((await fs.readdir(`${root}/d`)).toSorted()).toEqual(["e", "file"]);
    const dirents = await fs.readdir(`${root}/d`, { withFileTypes: true });
    expect(
      dirents.map((each) => [each.name, each.isFile(), each.isDirectory()]).toSorted(),
    ).toEqual([
      ["e", false, true],
      ["file", true, false],
    ]);
    expect((await fs.readdir(`${root}/d`, { recursive: true })).toSorted()).toEqual([
      "e",
      "e/f",
      "file",
    ]);
    expect(await failure(fs.rmdir(`${root}/d`))).toBe(
      expected("ENOTEMPTY", "rmdir ENOTEMPTY: directory not empty, rmdir _"),
    );
    await fs.rmdir(`${root}/d/e/f`);
    await fs.rm(`${root}/d`, { recursive: true });
    await fs.rm(`${root}/d`, { recursive: true, force: true });
    expect(await failure(fs.rm(`${root}/d`))).toMatch(/^ENOENT/u);
    expect(await failure(fs.rm(`${root}/d`, { recursive: true }))).toMatch(/^ENOENT/u);
  });

  it("a rename replaces a file and an empty directory, and nothing else", async ({ fs, root }) => {
    await fs.writeFile(`${root}/a`, "a");
    await fs.writeFile(`${root}/b`, "b");
    await fs.rename(`${root}/a`, `${root}/b`);
    expect(await fs.readFile(`${root}/b`, "utf8")).toBe("a");
    await fs.mkdir(`${root}/full/x`, { recursive: true });
    await fs.mkdir(`${root}/empty`);
    expect(await failure(fs.rename(`${root}/no`, `${root}/b`))).toBe(
      expected("ENOENT", "rename ENOENT: no such file or directory, rename _ -> _"),
    );
    expect(await failure(fs.rename(`${root}/b`, `${root}/empty`))).toMatch(/^EISDIR -21 rename/u);
    expect(await failure(fs.rename(`${root}/empty`, `${root}/b`))).toMatch(/^ENOTDIR -20 rename/u);
    expect(await failure(fs.rename(`${root}/empty`, `${root}/full`))).toMatch(/^ENOTEMPTY -39/u);
    expect(await failure(fs.rename(`${root}/full`, `${root}/full/x/y`))).toMatch(/^EINVAL -22/u);
    await fs.rename(`${root}/full`, `${root}/empty`);
    expect(await fs.readdir(`${root}/empty`)).toEqual(["x"]);
    await fs.rename(`${root}/b`, `${root}/b`);
  });

  it("stat tells kind, size, mode and times", async ({ fs, root }) => {
    await fs.writeFile(`${root}/a`, "12345", { mode: 0o640 });
    await fs.mkdir(`${root}/d`);
    const stats = await fs.stat(`${root}/a`);
    expect([stats.isFile(), stats.isDirectory(), stats.isSymbolicLink()]).toEqual([
      true,
      false,
      false,
    ]);
    expect(stats.size).toBe(5);
    expect(stats.mode).toBe(constants.S_IFREG | 0o640);
    expect(stats.mtime).toBeInstanceOf(Date);
    expect(Math.abs(stats.mtime.getTime() - stats.mtimeMs)).toBeLessThan(1);
    expect((await fs.stat(`${root}/d`)).mode & constants.S_IFMT).toBe(constants.S_IFDIR);
    await fs.chmod(`${root}/a`, 0o755);
    await fs.utimes(`${root}/a`, 1, 1_000_000_000.5);
    const changed = await fs.lstat(`${root}/a`);
    expect(changed.mode & 0o7777).toBe(0o755);
    expect(changed.mtimeMs).toBe(1_000_000_000_500);
    expect(changed.ino).toBe(stats.ino);
    await fs.utimes(`${root}/a`, new Date(0), new Date("2020-01-02T03:04:05Z"));
    expect((await fs.stat(`${root}/a`)).mtime.toISOString()).toBe("2020-01-02T03:04:05.000Z");
    await fs.writeFile(`${root}/a`, "anew");
    expect((await fs.stat(`${root}/a`)).mode & 0o7777).toBe(0o755);
  });

  it("access, copies, truncation and names of one's own", async ({ fs, root }) => {
    await fs.writeFile(`${root}/a`, "abc", { mode: 0o755 });
    await fs.access(`${root}/a`, constants.R_OK | constants.X_OK);
    await fs.copyFile(`${root}/a`, `${root}/b`);
    expect(await fs.readFile(`${root}/b`, "utf8")).toBe("abc");
    expect(await failure(fs.copyFile(`${root}/a`, `${root}/b`, constants.COPYFILE_EXCL))).toBe(
      expected("EEXIST", "copyfile EEXIST: file already exists, copyfile _ -> _"),
    );
    expect(await failure(fs.copyFile(`${root}/no`, `${root}/b`))).toMatch(/^ENOENT -2 copyfile/u);
    await fs.truncate(`${root}/b`, 1);
    expect(await fs.readFile(`${root}/b`, "utf8")).toBe("a");
    await fs.truncate(`${root}/b`, 3);
    expect(await fs.readFile(`${root}/b`)).toEqual(Buffer.from("a\0\0"));
    await fs.truncate(`${root}/b`);
    expect(await fs.readFile(`${root}/b`, "utf8")).toBe("");
    const made = await fs.mkdtemp(`${root}/tmp-`);
    expect(made).toMatch(/\/tmp-.{6}$/u);
    expect((await fs.stat(made)).isDirectory()).toBe(true);
    await fs.mkdir(`${root}/tree/sub`, { recursive: true });
    await fs.writeFile(`${root}/tree/sub/f`, "f");
    await fs.cp(`${root}/tree`, `${root}/copy`, { recursive: true });
    expect(await fs.readFile(`${root}/copy/sub/f`, "utf8")).toBe("f");
    expect(await fs.realpath(`${root}/tree/../tree/./sub`)).toBe(`${root}/tree/sub`);
  });

  it("a handle reads at positions and from front to back", async ({ fs, root }) => {
    await fs.writeFile(`${root}/a`, "0123456789");
    await using handle = await fs.open(`${root}/a`, "r");
    const buffer = Buffer.alloc(4, "-");
    expect(await handle.read(buffer, 1, 2, 5)).toMatchObject({ bytesRead: 2 });
    expect(buffer.toString()).toBe("-56-");
    expect((await handle.read(buffer, 0, 4)).bytesRead).toBe(4);
    expect(buffer.toString()).toBe("0123");
    expect((await handle.read({ buffer, position: 8 })).bytesRead).toBe(2);
    expect((await handle.read(buffer, 0, 4, 10)).bytesRead).toBe(0);
    expect((await handle.stat()).size).toBe(10);
    expect(await handle.readFile("utf8")).toBe("456789");
    expect(await failure(handle.write("x"))).toMatch(/^EBADF/u);
  });

  it("a handle writes from front to back, and adds", async ({ fs, root }) => {
    const handle = await fs.open(`${root}/a`, "w", 0o600);
    expect(await handle.write("hello")).toMatchObject({ bytesWritten: 5 });
    expect(await handle.write(Buffer.from("xx, worldxx"), 2, 7)).toMatchObject({ bytesWritten: 7 });
    await handle.sync();
    expect(await fs.readFile(`${root}/a`, "utf8")).toBe("hello, world");
    await handle.writev([Buffer.from("!"), Buffer.from("?")]);
    await handle.close();
    expect(await fs.readFile(`${root}/a`, "utf8")).toBe("hello, world!?");
    expect((await fs.stat(`${root}/a`)).mode & 0o777).toBe(0o600);
    const adding = await fs.open(`${root}/a`, "a");
    await adding.appendFile(" more");
    await adding.close();
    expect(await fs.readFile(`${root}/a`, "utf8")).toBe("hello, world!? more");
    expect(await failure(fs.open(`${root}/a`, "wx"))).toMatch(/^EEXIST -17 open/u);
    expect(await failure(fs.open(`${root}/no/a`, "w"))).toMatch(/^ENOENT -2 open/u);
    await (await fs.open(`${root}/empty`, "w")).close();
    expect(await fs.readFile(`${root}/empty`, "utf8")).toBe("");
  });

  it("streams read parts and write wholes", async (under) => {
    const { fs, root } = under;
    const bytes = Buffer.alloc(300_000, "0123456789");
    await pipeline([bytes.subarray(0, 7), bytes.subarray(7)], under.createWriteStream(`${root}/a`));
    expect((await fs.readFile(`${root}/a`)).equals(bytes)).toBe(true);
    const parts: Buffer[] = [];
    for await (const part of under.createReadStream(`${root}/a`, { start: 5, end: 100_000 })) {
      parts.push(part);
    }
    expect(Buffer.concat(parts).equals(bytes.subarray(5, 100_001))).toBe(true);
    await pipeline(["tail"], under.createWriteStream(`${root}/a`, { flags: "a" }));
    expect((await fs.stat(`${root}/a`)).size).toBe(300_004);
    expect(await failure(drain(under.createReadStream(`${root}/no`)))).toMatch(/^ENOENT -2 open/u);
    expect(await failure(pipeline(["x"], under.createWriteStream(`${root}/no/a`)))).toMatch(
      /^ENOENT -2 open/u,
    );
  });

  it("an aborted read is an AbortError", async ({ fs, root }) => {
    await fs.writeFile(`${root}/a`, "x");
    const error = await fs
      .readFile(`${root}/a`, { signal: AbortSignal.abort() })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "AbortError", code: "ABORT_ERR" });
  });
}
