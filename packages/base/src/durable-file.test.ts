import { expect, test } from "vitest";
import { makeFolderDurably, readWhole, removeDurably, writeDurably } from "./durable-file.ts";
import { Prng } from "./random.ts";
import { FaultDisk } from "./testing/fault-disk.ts";

async function text(disk: FaultDisk): Promise<string | undefined> {
  const bytes = await readWhole(disk, "/note");
  return bytes === undefined ? undefined : Buffer.from(bytes).toString();
}

test("a power loss in the middle of a write leaves the old or the new file, and after it the new", async () => {
  const seen = new Set<string | undefined>();
  for (let seed = 0; seed < 200; seed++) {
    const disk = new FaultDisk(new Prng(seed));
    await writeDurably(disk, "/note", Buffer.from("the old text"));
    disk.crashAfter(seed % 8);
    const outcome = await Promise.allSettled([writeDurably(disk, "/note", Buffer.from("new"))]);
    const found = await text(disk.crash());
    if (outcome[0].status === "fulfilled") expect(found).toBe("new");
    seen.add(found);
  }
  expect([...seen].sort()).toEqual(["new", "the old text"]);
});

test("what was removed stays away after a crash", async () => {
  for (let seed = 0; seed < 50; seed++) {
    const disk = new FaultDisk(new Prng(seed));
    await writeDurably(disk, "/note", Buffer.from("x"));
    await removeDurably(disk, "/note");
    await removeDurably(disk, "/note");
    expect(await text(disk.crash())).toBeUndefined();
  }
});

test("a folder that was made durably is there after a crash, with all above it", async () => {
  for (let seed = 0; seed < 50; seed++) {
    const disk = new FaultDisk(new Prng(seed));
    await makeFolderDurably(disk, "/one/two/three");
    expect(await disk.crash().list("/one/two/three")).toEqual([]);
  }
});

test("a folder can be made below one that may not be read", async () => {
  const disk = new FaultDisk(new Prng(1));
  disk.fail({ code: "EACCES", operations: ["syncFolder"], path: /^\/$/u });
  await makeFolderDurably(disk, "/one");
  expect(await disk.list("/")).toHaveLength(1);
});
