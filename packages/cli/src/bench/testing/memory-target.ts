import { CairnError } from "@cairnfs/base/errors";
import type { ObjectContent } from "../content.ts";
import type { BenchTarget, PageOptions, TargetPage } from "../target.ts";

/** A target in memory that keeps sizes and forgets bytes. It refuses what a real one would: names that are not there, directories that are missing. */
export class MemoryTarget implements BenchTarget {
  readonly can = { rename: true, directories: true };
  readonly files = new Map<string, number>();
  readonly directories = new Set<string>();
  /** Every call by name, how often. */
  readonly calls = new Map<string, number>();

  async ensureDirectory(path: string): Promise<void> {
    this.directories.add(path);
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#call("makeDirectory");
    this.#needParent(path);
    this.directories.add(path);
  }

  async put(path: string, content: ObjectContent, signal: AbortSignal): Promise<void> {
    await this.#call("put");
    this.#needParent(path);
    let bytes = 0;
    for await (const part of content.parts()) bytes += part.byteLength;
    signal.throwIfAborted();
    this.files.set(path, bytes);
  }

  async get(path: string, _signal: AbortSignal, took?: (bytes: number) => void): Promise<number> {
    const before = this.#file(path);
    await this.#call("get");
    // What is read must still be there in the end.
    const bytes = Math.max(before, this.#file(path));
    took?.(bytes);
    return bytes;
  }

  async stat(path: string): Promise<void> {
    await this.#call("stat");
    if (!this.directories.has(path)) this.#file(path);
  }

  async rename(source: string, target: string): Promise<void> {
    await this.#call("rename");
    if (this.directories.delete(source)) this.directories.add(target);
    else {
      this.files.set(target, this.#file(source));
      this.files.delete(source);
    }
  }

  async remove(path: string): Promise<void> {
    await this.#call("remove");
    this.#file(path);
    this.files.delete(path);
  }

  async removeDirectory(path: string): Promise<void> {
    await this.#call("removeDirectory");
    if (!this.directories.delete(path)) throw notFound(path);
  }

  async list(path: string): Promise<number> {
    await this.#call("list");
    return this.#names(path).length;
  }

  async listPage(path: string, page: PageOptions): Promise<TargetPage> {
    await this.#call("listPage");
    const after = page.after ?? "";
    const names = this.#names(path).filter((name) => name > after);
    const shown = names.slice(0, page.entries);
    return {
      entries: shown.length,
      nextAfter: names.length > shown.length ? shown.at(-1) : undefined,
    };
  }

  async wipe(): Promise<void> {
    this.files.clear();
    this.directories.clear();
  }

  /** Another call may come in between, as on a network. */
  async #call(name: string): Promise<void> {
    this.calls.set(name, (this.calls.get(name) ?? 0) + 1);
    await new Promise((resolve) => setImmediate(resolve));
  }

  #names(path: string): string[] {
    return [...this.files.keys(), ...this.directories]
      .filter((name) => name.slice(0, name.lastIndexOf("/")) === path)
      .map((name) => name.slice(path.length + 1))
      .sort();
  }

  #file(path: string): number {
    const sizeBytes = this.files.get(path);
    if (sizeBytes === undefined) throw notFound(path);
    return sizeBytes;
  }

  #needParent(path: string): void {
    const parent = path.slice(0, path.lastIndexOf("/"));
    if (!this.directories.has(parent)) throw notFound(parent);
  }
}

function notFound(path: string): CairnError {
  return new CairnError("pathNotFound", `nothing is at ${path}`);
}
