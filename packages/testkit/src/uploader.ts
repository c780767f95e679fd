import { connect } from "@cairnfs/client";

/**
 * A client to be killed: uploader.js COORDINATOR LOCAL_FILE PATH STATE_FILE. Prints, a line each, how many bytes
 * are known to be stored: those of whole chunks.
 */
const [coordinator = "", localFile = "", path = "", stateFile = ""] = process.argv.slice(2);
const CHUNK_SIZE_BYTES = 4 * 1024 * 1024;

const client = await connect({ coordinator, parallelChunks: 2 });
let storedBytes = 0;
await client.upload(localFile, path, {
  stateFile,
  chunkSizeBytes: CHUNK_SIZE_BYTES,
  onProgress: ({ doneBytes }) => {
    // Two chunks are under way at most: what is beyond them has been stored.
    const wholeBytes = Math.floor(doneBytes / CHUNK_SIZE_BYTES - 2) * CHUNK_SIZE_BYTES;
    if (wholeBytes <= storedBytes) return;
    storedBytes = wholeBytes;
    process.stdout.write(`${storedBytes}\n`);
  },
});
await client.close();
