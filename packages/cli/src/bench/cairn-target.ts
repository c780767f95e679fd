import { hasReason } from "@cairnfs/base/errors";
import type { CairnClient } from "@cairnfs/client/client";
import type { ObjectContent } from "./content.ts";
import type { BenchTarget, PageOptions, TargetPage } from "./target.ts";

/** A directory of a CairnFS cluster, reached through the SDK. The client stays the caller's. */
export class CairnTarget implements BenchTarget {
  readonly can = { rename: true, directories: true };
  readonly #client: CairnClient;
  readonly #top: string;

  constructor(client: CairnClient, top: string) {
    this.#client = client;
    this.#top = top;
  }

  /** Makes the directory the run works in. */
  async prepare(replicas: number | undefined, signal: AbortSignal): Promise<void> {
    await this.#client.mkdir(this.#top, { signal, policy: { replicationFactor: replicas } });
  }

  async ensureDirectory(path: string, signal: AbortSignal): Promise<void> {
    await this.#client.mkdir(this.#at(path), { parents: true, signal });
  }

  async makeDirectory(path: string, signal: AbortSignal): Promise<void> {
    await this.#client.mkdir(this.#at(path), { signal });
  }

  async put(
    path: string,
    content: ObjectContent,
    signal: AbortSignal,
    took?: (bytes: number) => void,
  ): Promise<void> {
    let seenBytes = 0;
    const { bytes, localFile } = content;
    const source = bytes ?? (localFile === undefined ? content.parts() : { localFile });
    await this.#client.put(this.#at(path), source, {
      signal,
      onProgress: ({ doneBytes }) => {
        took?.(doneBytes - seenBytes);
        seenBytes = doneBytes;
      },
    });
  }

  async get(path: string, signal: AbortSignal, took?: (bytes: number) => void): Promise<number> {
    let bytes = 0;
    // As who writes the bytes somewhere would: parts are looked at and not kept.
    const content = await this.#client.get(this.#at(path), { signal, isTransient: true });
    for await (const part of content) {
      bytes += part.byteLength;
      took?.(part.byteLength);
    }
    return bytes;
  }

  async stat(path: string, signal: AbortSignal): Promise<void> {
    await this.#client.stat(this.#at(path), { signal });
  }

  async rename(source: string, target: string, signal: AbortSignal): Promise<void> {
    await this.#client.rename(this.#at(source), this.#at(target), { signal });
  }

  async remove(path: string, signal: AbortSignal): Promise<void> {
    await this.#client.remove(this.#at(path), { signal, forever: true });
  }

  async removeDirectory(path: string, signal: AbortSignal): Promise<void> {
    await this.#client.remove(this.#at(path), { signal, forever: true });
  }

  async list(path: string, signal: AbortSignal): Promise<number> {
    let entries = 0;
    for await (const _ of this.#client.list(this.#at(path), { signal })) entries += 1;
    return entries;
  }

  async listPage(path: string, page: PageOptions, signal: AbortSignal): Promise<TargetPage> {
    const { entries, nextAfter } = await this.#client.listPage(this.#at(path), {
      after: page.after,
      pageSize: page.entries,
      signal,
    });
    return { entries: entries.length, nextAfter };
  }

  async wipe(signal: AbortSignal): Promise<void> {
    await this.#client
      .remove(this.#top, { recursive: true, forever: true, signal })
      .catch((error: unknown) => {
        if (!hasReason(error, "pathNotFound")) throw error;
      });
  }

  #at(path: string): string {
    return `${this.#top}/${path}`;
  }
}
