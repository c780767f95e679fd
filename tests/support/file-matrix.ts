import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { CairnClient } from "@cairnfs/client";
import { contentOf, digestOf, digestOfFile } from "@cairnfs/testkit/content";
import type { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect } from "vitest";
import { localFile, MIB } from "./verify.ts";

/** What no process of the cluster may ever need. */
const PROCESS_MIB_MOST = 400;

export interface FileShape {
  readonly sizeBytes: number;
  readonly chunkSizeBytes: number;
}

/** For a chunk size the sizes around its edges. */
export function edgesOf(chunkSizeBytes: number): FileShape[] {
  return [0, 1, chunkSizeBytes - 1, chunkSizeBytes, chunkSizeBytes + 1].map((sizeBytes) => ({
    sizeBytes,
    chunkSizeBytes,
  }));
}

/** Uploads a local file of this shape, reads it back as a stream and as a file, and compares every byte. */
export async function roundTrip(
  cluster: ProcessCluster,
  client: CairnClient,
  shape: FileShape,
): Promise<string> {
  const content = { seed: shape.sizeBytes % 65_521, sizeBytes: shape.sizeBytes };
  const path = `/matrix/${shape.chunkSizeBytes}/${shape.sizeBytes}.bin`;
  const source = await localFile(cluster.folder, content);
  const target = join(cluster.folder, "read-back.bin");
  const made = await digestOf(contentOf(content.seed, content.sizeBytes));

  const { entry } = await client.upload(source, path, {
    parents: true,
    chunkSizeBytes: shape.chunkSizeBytes,
    checksum: true,
  });
  expect(entry.sha256).toBe(made.sha256);
  expect(await digestOf(await client.get(path))).toEqual(made);
  await client.download(path, target);
  expect(await digestOfFile(target)).toEqual(made);
  await Promise.all([rm(source), rm(target)]);
  return path;
}

/** No process of the cluster, nor this one, has needed more memory than it may; all peaks are printed. */
export function expectModestMemory(cluster: ProcessCluster): void {
  const peaks = Object.fromEntries(
    [...cluster.peaks()].map(([name, bytes]) => [name, Math.ceil(bytes / MIB)]),
  );
  console.info(`peak memory in MiB: ${JSON.stringify(peaks)}`);
  for (const [name, peakMib] of Object.entries(peaks)) {
    expect({ name, peakMib }).toEqual({
      name,
      peakMib: expect.toSatisfy((mib: number) => mib < PROCESS_MIB_MOST),
    });
  }
}
