import { CairnError } from "@cairnfs/base/errors";
import {
  type Attributes,
  EntryKind,
  type ObjectAttributes,
  type Precondition,
} from "@cairnfs/protocol/gen/cairn/v1/common_pb";

/** The bytes of a file: inline, or as chunks. */
export interface MemoryContent {
  readonly id: number;
  sizeBytes: number;
  inlineBytes: Uint8Array | undefined;
  readonly chunks: {
    readonly offsetBytes: number;
    readonly id: string;
    readonly lengthBytes: number;
  }[];
}

export interface MemoryEntry {
  kind: "file" | "directory";
  inodeId: number;
  version: number;
  createdMs: number;
  modifiedMs: number;
  mode: number;
  contentType: string;
  userMetadata: Record<string, string>;
  policy:
    | { chunkSizeBytes?: bigint | undefined; replicationFactor?: number | undefined }
    | undefined;
  sha256: Uint8Array;
  chunkSizeBytes: number;
  content: MemoryContent | undefined;
  /** Of a file that was put as an object. */
  object?: ObjectAttributes | undefined;
}

/** The tree of a test's coordinator: entries by path. One entry has a name, be it a file or a directory. */
export class MemoryTree {
  readonly entries = new Map<string, MemoryEntry>();
  #nextId = 2;

  constructor() {
    this.entries.set("/", this.newEntry("directory", 0o755));
  }

  nextId(): number {
    return this.#nextId++;
  }

  newEntry(kind: "file" | "directory", mode: number, attributes?: Attributes): MemoryEntry {
    const id = this.nextId();
    const nowMs = 1_700_000_000_000 + id;
    return {
      kind,
      inodeId: id,
      version: id,
      createdMs: nowMs,
      modifiedMs: Number(attributes?.modifiedMs ?? nowMs),
      mode: attributes?.mode ?? mode,
      contentType: attributes?.contentType ?? "",
      userMetadata: { ...attributes?.userMetadata?.values },
      policy: undefined,
      sha256: new Uint8Array(0),
      chunkSizeBytes: 0,
      content: undefined,
    };
  }

  get(path: string): MemoryEntry {
    checkPath(path);
    const entry = this.entries.get(path);
    if (entry !== undefined) return entry;
    this.#checkParents(path);
    throw new CairnError("pathNotFound", `nothing is at ${path}`);
  }

  /** Makes sure that the directories above are there. */
  prepare(path: string, parents: boolean): void {
    checkPath(path);
    if (parents) {
      const names = path.split("/").slice(1, -1);
      for (let depth = 1; depth <= names.length; depth++) {
        const above = `/${names.slice(0, depth).join("/")}`;
        if (!this.entries.has(above)) this.entries.set(above, this.newEntry("directory", 0o755));
      }
    }
    this.#checkParents(path);
  }

  check(path: string, precondition: Precondition | undefined): void {
    const entry = this.entries.get(path);
    const condition = precondition?.condition;
    if (condition?.case === undefined) return;
    if (condition.case === "mustNotExist") {
      if (entry !== undefined) throw new CairnError("pathExists", `${path} is taken`);
      return;
    }
    const actual = condition.case === "version" ? entry?.version : entry?.inodeId;
    if (actual !== Number(condition.value)) {
      throw new CairnError("preconditionFailed", `${path} has changed`);
    }
  }

  putFile(path: string, entry: MemoryEntry): void {
    if (this.entries.get(path)?.kind === "directory") {
      throw new CairnError("isADirectory", `${path} is a directory`);
    }
    this.entries.set(path, entry);
  }

  children(path: string): [name: string, entry: MemoryEntry][] {
    if (this.get(path).kind === "file") throw new CairnError("notADirectory", `${path} is a file`);
    const prefix = path === "/" ? "/" : `${path}/`;
    return [...this.entries]
      .filter(
        ([at]) => at !== "/" && at.startsWith(prefix) && !at.slice(prefix.length).includes("/"),
      )
      .map(([at, entry]): [string, MemoryEntry] => [at.slice(prefix.length), entry])
      .sort((a, b) => Buffer.compare(Buffer.from(sortName(a)), Buffer.from(sortName(b))));
  }

  /** The entries of a directory behind `after`, as a listing answers. */
  page(request: { readonly path: string; readonly after: string; readonly limit: number }) {
    const rest = this.children(request.path).filter((child) => sortName(child) > request.after);
    const page = rest.slice(0, request.limit || 1_000);
    const last = page.at(-1);
    return {
      entries: page.map(([name, entry]) => entryMessage(name, entry)),
      nextAfter: page.length < rest.length && last !== undefined ? sortName(last) : "",
    };
  }

  remove(path: string, recursive: boolean): void {
    const entry = this.get(path);
    if (path === "/") throw new CairnError("invalidArgument", "the root stays");
    if (entry.kind === "directory" && !recursive && this.children(path).length > 0) {
      throw new CairnError("directoryNotEmpty", `${path} has entries`);
    }
    for (const at of [...this.entries.keys()]) {
      if (at === path || at.startsWith(`${path}/`)) this.entries.delete(at);
    }
  }

  rename(source: string, target: string, noReplace: boolean): MemoryEntry {
    const entry = this.get(source);
    const taken = this.entries.get(target);
    if (target.startsWith(`${source}/`)) {
      throw new CairnError("renameIntoSelf", `${source} cannot move below itself`);
    }
    if (taken !== undefined && taken !== entry) {
      if (noReplace || taken.kind === "directory" || entry.kind === "directory") {
        throw new CairnError("pathExists", `${target} is taken`);
      }
    }
    for (const [at, moved] of [...this.entries]) {
      if (at !== source && !at.startsWith(`${source}/`)) continue;
      this.entries.delete(at);
      this.entries.set(target + at.slice(source.length), moved);
    }
    return entry;
  }

  #checkParents(path: string): void {
    const names = path.split("/").slice(1, -1);
    for (let depth = 1; depth <= names.length; depth++) {
      const above = `/${names.slice(0, depth).join("/")}`;
      const entry = this.entries.get(above);
      if (entry === undefined) throw new CairnError("pathNotFound", `nothing is at ${above}`);
      if (entry.kind === "file") throw new CairnError("notADirectory", `${above} is a file`);
    }
  }
}

function sortName([name, entry]: readonly [string, MemoryEntry]): string {
  return entry.kind === "directory" ? `${name}/` : name;
}

export function entryMessage(name: string, entry: MemoryEntry) {
  const { content } = entry;
  return {
    kind: entry.kind === "file" ? EntryKind.FILE : EntryKind.DIRECTORY,
    name,
    inodeId: BigInt(entry.inodeId),
    version: BigInt(entry.version),
    sizeBytes: BigInt(content?.sizeBytes ?? 0),
    createdMs: BigInt(entry.createdMs),
    modifiedMs: BigInt(entry.modifiedMs),
    mode: entry.mode,
    contentType: entry.contentType,
    userMetadata: entry.userMetadata,
    sha256: entry.sha256,
    chunkSizeBytes: BigInt(entry.chunkSizeBytes),
    replicationFactor: 3,
    chunkCount: BigInt(content?.chunks.length ?? 0),
    contentId: BigInt(content?.id ?? 0),
    ...(entry.policy !== undefined && { policy: entry.policy }),
    ...(entry.object !== undefined && { object: entry.object }),
  };
}

function checkPath(path: string): void {
  if (path === "/") return;
  if (!path.startsWith("/") || path.endsWith("/") || path.includes("//")) {
    throw new CairnError("invalidPath", `${path} is not a path`);
  }
}
