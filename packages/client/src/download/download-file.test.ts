import { Prng } from "@cairnfs/base/random";
import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { expect, test } from "vitest";
import { downloadFile } from "./download-file.ts";
import type { OpenedFile } from "./opened-file.ts";

/** A file whose second half comes when the signal of the reading has fired, or when `release` is called. */
function fileInHalves(): { file: OpenedFile; release: () => void } {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  async function* read({ signal }: { signal: AbortSignal }): AsyncGenerator<Uint8Array> {
    yield Buffer.from("first");
    const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
    await Promise.race([released, aborted]);
    signal.throwIfAborted();
    yield Buffer.from("other");
  }
  // What is downloaded of an opened file is this.
  return { file: { sizeBytes: 10, entry: {}, read } as unknown as OpenedFile, release };
}

test("a callback that throws ends the download, which says so and leaves nothing", async () => {
  const disk = new FaultDisk(new Prng(1));
  await disk.makeFolder("/d");
  const { file } = fileInHalves();
  const onProgress = () => {
    throw new TypeError("the caller's own");
  };
  const download = downloadFile(file, "/d/x", { disk, random: new Prng(1) }, { onProgress });
  await expect(download).rejects.toThrow("the caller's own");
  expect(disk.paths()).toEqual([]);
});

test("when only the last sync fails the download rejects and the file is there whole", async () => {
  const disk = new FaultDisk(new Prng(1));
  await disk.makeFolder("/d");
  const { file, release } = fileInHalves();
  release();
  disk.fail({ code: "EIO", operations: ["syncFolder"] });
  const download = downloadFile(file, "/d/x", { disk, random: new Prng(1) }, {});
  await expect(download).rejects.toMatchObject({ code: "EIO" });
  expect(disk.paths()).toEqual(["/d/x"]);
  expect(Buffer.from(disk.content("/d/x")).toString()).toBe("firstother");
});
