import { describeChunkStore } from "../chunk-store.contract.ts";
import { diskTrial } from "../testing/disk-trial.ts";
import { newestHeader } from "./chunk-file.ts";
import { FileChunkStore } from "./file-chunk-store.ts";

describeChunkStore("FileChunkStore", (options) =>
  diskTrial(
    FileChunkStore.open,
    (disk, id) => {
      const path = `/data/chunks/${id.slice(0, 2)}/${id.slice(2, 3)}/${id}`;
      return { path, position: newestHeader(disk.content(path))?.header.dataOffsetBytes ?? 0 };
    },
    options,
  ),
);
