import type { OpenedFile, ReadOptions } from "../download/opened-file.ts";
import type { EntryAttributes, EntryPrecondition, FileEntry } from "../entry.ts";
import type { UploadSource } from "../upload/source.ts";
import type { PutOptions, PutResult } from "../upload/upload-parts.ts";

interface Options {
  readonly signal?: AbortSignal | undefined;
}

/** What a file system in Node's manner is made of; a client is one. */
export interface FileStore {
  put(path: string, source: UploadSource, options?: PutOptions): Promise<PutResult>;
  append(path: string, source: UploadSource, options?: PutOptions): Promise<PutResult>;
  truncate(path: string, sizeBytes: number, options?: PutOptions): Promise<PutResult>;
  open(path: string, options?: Options): Promise<OpenedFile>;
  getBytes(path: string, options?: ReadOptions): Promise<Uint8Array>;
  stat(path: string, options?: Options): Promise<FileEntry>;
  list(path: string, options?: Options): AsyncIterable<FileEntry>;
  walk(path: string, options?: Options): AsyncIterable<FileEntry>;
  mkdir(
    path: string,
    options?: Options & EntryAttributes & { readonly parents?: boolean },
  ): Promise<FileEntry>;
  rename(
    source: string,
    target: string,
    options?: Options & { readonly noReplace?: boolean },
  ): Promise<FileEntry>;
  copy(
    source: string,
    target: string,
    options?: Options & { readonly noReplace?: boolean },
  ): Promise<FileEntry>;
  remove(
    path: string,
    options?: Options & {
      readonly recursive?: boolean;
      readonly precondition?: EntryPrecondition;
      /** Not to the trash. */
      readonly forever?: boolean;
    },
  ): Promise<unknown>;
  setAttributes(path: string, options: Options & EntryAttributes): Promise<FileEntry>;
}
