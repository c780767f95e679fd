import type { Reason } from "@cairnfs/base/errors";
import type { Operation } from "../namespace.contract.ts";

type ModelNode = number | Map<string, ModelNode>;
type Directory = Map<string, ModelNode>;
type Outcome = Reason | "done";

/** A tree as simple as can be: maps in maps, files are their sizes. What it does is what the namespace should do. */
export class ModelTree {
  readonly #root: Directory = new Map();

  apply(operation: Operation): Outcome {
    switch (operation.kind) {
      case "put":
        return this.#put(operation.path, operation.bytes, operation.parents);
      case "upload":
        return this.#put(operation.path, operation.bytes * 1000, operation.parents);
      case "mkdir":
        return this.#makeDirectory(operation.path, operation.parents);
      case "remove":
        return this.#remove(operation.path, operation.recursive);
      case "rename":
        return this.#rename(operation);
      case "copy":
        return this.#copy(operation);
    }
  }

  /** Every path with its kind and size, sorted as the namespace sorts. */
  list(): string[] {
    return linesOf(this.#root, "");
  }

  #put(path: string, sizeBytes: number, parents: boolean): Outcome {
    const { names, name } = split(path);
    const walked = this.#walk(names);
    if (walked === "notADirectory") return walked;
    if (walked.missing.length > 0 && !parents) return "pathNotFound";
    if (walked.missing.length === 0 && walked.end.get(name) instanceof Map) return "isADirectory";
    grow(walked).set(name, sizeBytes);
    return "done";
  }

  #makeDirectory(path: string, parents: boolean): Outcome {
    const { names, name } = split(path);
    const walked = this.#walk(names);
    if (walked === "notADirectory") return walked;
    if (walked.missing.length > 0 && !parents) return "pathNotFound";
    const there = walked.missing.length === 0 ? walked.end.get(name) : undefined;
    if (there instanceof Map && parents) return "done";
    if (there !== undefined) return "pathExists";
    grow(walked).set(name, new Map());
    return "done";
  }

  #remove(path: string, recursive: boolean): Outcome {
    const found = this.#find(path);
    if (typeof found === "string") return found;
    const { parent, name, node } = found;
    if (node instanceof Map && node.size > 0 && !recursive) return "directoryNotEmpty";
    parent.delete(name);
    return "done";
  }

  #rename(operation: Extract<Operation, { target: string }>): Outcome {
    const found = this.#find(operation.path);
    if (typeof found === "string") return found;
    if (operation.path === operation.target) return "done";
    const { names, name } = split(operation.target);
    const walked = this.#walk(names);
    if (walked === "notADirectory") return walked;
    const isDirectory = found.node instanceof Map;
    if (isDirectory && operation.target.startsWith(`${operation.path}/`)) return "renameIntoSelf";
    if (walked.missing.length > 0 && !operation.parents) return "pathNotFound";
    const there = walked.missing.length === 0 ? walked.end.get(name) : undefined;
    const mayReplace = typeof there === "number" && !isDirectory && !operation.noReplace;
    if (there !== undefined && !mayReplace) return "pathExists";
    found.parent.delete(found.name);
    grow(walked).set(name, found.node);
    return "done";
  }

  #copy(operation: Extract<Operation, { target: string }>): Outcome {
    const found = this.#find(operation.path);
    if (typeof found === "string") return found;
    if (found.node instanceof Map) return "isADirectory";
    const { names, name } = split(operation.target);
    const walked = this.#walk(names);
    if (walked === "notADirectory") return walked;
    if (walked.missing.length > 0 && !operation.parents) return "pathNotFound";
    const there = walked.missing.length === 0 ? walked.end.get(name) : undefined;
    if (there instanceof Map) return "isADirectory";
    if (there !== undefined && operation.noReplace) return "pathExists";
    grow(walked).set(name, found.node);
    return "done";
  }

  #find(
    path: string,
  ): { readonly parent: Directory; readonly name: string; readonly node: ModelNode } | Reason {
    const { names, name } = split(path);
    const walked = this.#walk(names);
    if (walked === "notADirectory") return walked;
    const node = walked.missing.length === 0 ? walked.end.get(name) : undefined;
    return node === undefined ? "pathNotFound" : { parent: walked.end, name, node };
  }

  #walk(
    names: readonly string[],
  ): { readonly end: Directory; readonly missing: readonly string[] } | "notADirectory" {
    let end = this.#root;
    for (const [depth, name] of names.entries()) {
      const next = end.get(name);
      if (typeof next === "number") return "notADirectory";
      if (next === undefined) return { end, missing: names.slice(depth) };
      end = next;
    }
    return { end, missing: [] };
  }
}

function split(path: string): { readonly names: readonly string[]; readonly name: string } {
  const names = path.slice(1).split("/");
  return { names: names.slice(0, -1), name: names.at(-1) ?? "" };
}

/** Makes what a walk missed; the directory at its end. */
function grow(walked: { readonly end: Directory; readonly missing: readonly string[] }): Directory {
  let end = walked.end;
  for (const name of walked.missing) {
    const made: Directory = new Map();
    end.set(name, made);
    end = made;
  }
  return end;
}

function linesOf(directory: Directory, path: string): string[] {
  const keyOf = (name: string) => (typeof directory.get(name) === "number" ? name : `${name}/`);
  const names = [...directory.keys()].sort((a, b) =>
    Buffer.compare(Buffer.from(keyOf(a)), Buffer.from(keyOf(b))),
  );
  return names.flatMap((name) => {
    const node = directory.get(name);
    const below = `${path}/${name}`;
    return node instanceof Map ? [`${below}/`, ...linesOf(node, below)] : [`${below} ${node}`];
  });
}
