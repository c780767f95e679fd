import { silentLogger } from "@cairnfs/base/telemetry";
import type { ChunkStore } from "@cairnfs/datanode/store/chunk-store";
import { DataFolder } from "@cairnfs/datanode/store/data-folder";
import { openChunkStore } from "@cairnfs/datanode/store/open-store";
import type { ProcessDisk } from "../process/process-disk.ts";
import type { SimProcess } from "../process/sim-process.ts";
import { RESERVE_BYTES, type Shape } from "./shape.ts";

/** Opens the store of a node, as the node itself would, but for the size of segments. */
export async function openNodeStore(
  shape: Shape,
  process: SimProcess,
  disk: ProcessDisk,
): Promise<ChunkStore> {
  const { clock, random } = process;
  // The folder has to have its identity before there are chunks in it.
  const folder = await DataFolder.open("/data", { disk, random });
  await folder.close();
  return openChunkStore(
    shape.store,
    "/data",
    { disk, clock, random, logger: silentLogger },
    { reserveBytes: RESERVE_BYTES, segments: { segmentBytesMax: shape.segmentBytes } },
  );
}
