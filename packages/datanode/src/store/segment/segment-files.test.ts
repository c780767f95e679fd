import { Prng } from "@cairnfs/base/random";
import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { expect, test } from "vitest";
import { SegmentFiles } from "./segment-files.ts";

async function filesWithOne(): Promise<SegmentFiles> {
  const disk = new FaultDisk(new Prng(1));
  await disk.makeFolder("/s");
  const files = new SegmentFiles(disk, "/s");
  const file = await disk.open(files.path(1), "create");
  await file.write([Buffer.from("hello")], 0);
  await file.close();
  return files;
}

test("who comes when the files are closed is refused, and who is at work finishes", async () => {
  const files = await filesWithOne();
  const into = Buffer.alloc(5);
  const read = await files.use(1, async (file) => {
    await files.close();
    return file.read(into, 0);
  });
  expect([read, into.toString()]).toEqual([5, "hello"]);
  await expect(files.use(1, async () => 1)).rejects.toMatchObject({ reason: "shuttingDown" });
  await expect(files.use(2, async () => 1)).rejects.toMatchObject({ reason: "shuttingDown" });
});
