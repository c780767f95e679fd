/** A bug that could be made, and that the simulator has to find. It is put into the code while that is loaded, and is nowhere else. */
export interface Mutation {
  readonly name: string;
  /** The module, from the root of the repository. */
  readonly file: string;
  /** What stands there exactly once, however it is broken into lines. */
  readonly find: string;
  readonly replace: string;
  /** What goes wrong with it. */
  readonly why: string;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    name: "file-not-synced",
    file: "packages/datanode/src/store/file/file-chunk-writer.ts",
    find: "await this.#file.truncate(fileBytes); await this.#file.sync();",
    replace: "await this.#file.truncate(fileBytes);",
    why: "a chunk file is acknowledged before its bytes are durable",
  },
  {
    name: "segment-not-synced",
    file: "packages/datanode/src/store/segment/segment-log.ts",
    find: "await active.file.write(parts, active.sizeBytes); await active.file.sync();",
    replace: "await active.file.write(parts, active.sizeBytes);",
    why: "records of the segment log are acknowledged before they are durable",
  },
  {
    name: "chunk-folder-not-synced",
    file: "packages/datanode/src/store/file/file-chunk-store.ts",
    find: "await this.#syncs.sync(this.#layout.folder(draft.id));",
    replace: "",
    why: "a chunk file's name is lost with the power",
  },
  {
    name: "segment-folder-not-synced",
    file: "packages/datanode/src/store/segment/segment-log.ts",
    find: "await file.sync(); await disk.syncFolder(folder);",
    replace: "await file.sync();",
    why: "a new segment's name is lost with the power, and all chunks in it",
  },
  {
    name: "file-delete-unfenced",
    file: "packages/datanode/src/store/file/file-chunk-store.ts",
    find: "if (info !== undefined && info.epoch > epochMax)",
    replace: "if (false)",
    why: "a late deletion takes a copy that was stored after it was decided",
  },
  {
    name: "segment-delete-unfenced",
    file: "packages/datanode/src/store/segment/segment-chunk-store.ts",
    find: "if (chunk === undefined || chunk.epoch > epochMax)",
    replace: "if (chunk === undefined)",
    why: "a late deletion takes a copy that was stored after it was decided",
  },
  {
    name: "deleted-copies-count",
    file: "packages/coordinator/src/chunks/replicas.ts",
    find: "if (copy.epoch <= record.deleteEpoch) return false;",
    replace: "",
    why: "a receipt from before a deletion brings the chunk back without its copies",
  },
  {
    name: "bad-copies-count",
    file: "packages/coordinator/src/chunks/replicas.ts",
    find: "copy.epoch <= fence.epoch",
    replace: "false",
    why: "a receipt for a copy that was found bad, or let go, counts again",
  },
  {
    name: "old-receipts-count",
    file: "packages/coordinator/src/chunks/replicas.ts",
    find: "if (copy.epoch <= horizon) return false;",
    replace: "",
    why: "a receipt counts for ever, though the copy may have been collected as an orphan",
  },
  {
    name: "reference-dropped-twice",
    file: "packages/coordinator/src/chunks/chunk-batch.ts",
    find: "const references = record.references - 1;",
    replace: "const references = Math.max(0, record.references - 2);",
    why: "a chunk that another file still needs becomes garbage",
  },
  {
    name: "overwritten-without-grace",
    file: "packages/coordinator/src/namespace/content-owners.ts",
    find: "const goneAtMs = Math.max(untilMs, content.goneAtMs);",
    replace: "const goneAtMs = 0;",
    why: "what a reader has open is taken apart at once",
  },
  {
    name: "answers-not-remembered",
    file: "packages/coordinator/src/idempotency.ts",
    find: "if (stored !== undefined) {",
    replace: "if (false) {",
    why: "a call that is repeated takes place twice",
  },
  {
    name: "retry-without-key",
    file: "packages/client/src/coordinator-link.ts",
    find: "if (isMutation) metadata.set(IDEMPOTENCY_KEY",
    replace: "if (false) metadata.set(IDEMPOTENCY_KEY",
    why: "a client repeats calls without saying that they are the same",
  },
  {
    name: "copies-unproved",
    file: "packages/coordinator/src/healing/chunk-copier.ts",
    find: "await this.#replicate({ ...job, sources: [source, ...others] }, signal);",
    replace:
      "await this.#replicate({ ...job, sources: [source, ...others] }, signal).catch(() => undefined);",
    why: "a repair is recorded that was not proved",
  },
  {
    name: "data-folder-not-synced",
    file: "packages/datanode/src/store/data-folder.ts",
    find: "await makeFolderDurably(disk, path);",
    replace: "",
    why: "a node's folder is lost with the power, and with it who the node is",
  },
  {
    name: "session-not-renewed",
    file: "packages/coordinator/src/uploads/session-table.ts",
    find: "return session.expiresMs - nowMs < ttlMs * 0.75;",
    replace: "return false;",
    why: "an upload that is under way expires",
  },
  {
    name: "claims-not-written",
    file: "packages/datanode/src/store/segment/segment-chunk-store.ts",
    find: "if (epoch > chunk.epoch) await this.#log.append(noteOf(RecordKind.claim, idBytes, epoch));",
    replace: "if (false) await this.#log.append(noteOf(RecordKind.claim, idBytes, epoch));",
    why: "a copy that an upload relies on is deleted by a decision from before",
  },
];
