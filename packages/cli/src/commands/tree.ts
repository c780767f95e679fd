import { styleText } from "node:util";
import type { FileEntry } from "@cairnfs/client/entry";
import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, type Session, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import { expandPaths } from "../expand.ts";
import { counted, shownSize } from "../format.ts";
import { parseCount } from "../parse-option.ts";
import { parseClusterPath, showClusterPath } from "../path-spec.ts";

interface TreeFlags extends ClusterFlags {
  readonly depth?: number;
  readonly size?: boolean;
  readonly bytes?: boolean;
}

export function define(command: Command, { context }: CommandHost): void {
  command
    .description("Show a directory with all that is below it.")
    .argument("[paths...]", "directories in the cluster; the root unless given")
    .option("-L, --depth <levels>", "so many levels down", parseCount(1))
    .option("-s, --size", "sizes of files too")
    .option("-b, --bytes", "exact sizes");
  clusterFlags(command)
    .addHelpText(
      "after",
      "\nExamples:\n  cairn tree -L 2 cairn:/photos\n  cairn tree --json / | jq -r .path",
    )
    .action(async (paths: readonly string[], flags: TreeFlags) => {
      const asked = (paths.length === 0 ? ["/"] : paths).map(parseClusterPath);
      await withCluster(context, flags, async (session) => {
        for (const entry of await expandPaths(session.client, asked, session.signal)) {
          await new TreeView(session, flags).show(entry);
        }
      });
    });
}

class TreeView {
  readonly #session: Session;
  readonly #flags: TreeFlags;
  #directories = 0;
  #files = 0;

  constructor(session: Session, flags: TreeFlags) {
    this.#session = session;
    this.#flags = flags;
  }

  async show(top: FileEntry): Promise<void> {
    const { output } = this.#session;
    if (output.isJson) await output.json(top);
    else await output.line(this.#label(top, showClusterPath(top.path)));
    if (top.kind === "directory") await this.#children(top.path, "", 1);
    if (!output.isJson) {
      await output.line(
        `\n${counted(this.#directories, "directory", "directories")}, ${counted(this.#files, "file")}`,
      );
    }
  }

  /** One entry is held back, so that the last of a directory is known when it is drawn. */
  async #children(path: string, indent: string, level: number): Promise<void> {
    if (level > (this.#flags.depth ?? Number.POSITIVE_INFINITY)) return;
    const { client, signal } = this.#session;
    let held: FileEntry | undefined;
    for await (const entry of client.list(path, { signal })) {
      if (held !== undefined) await this.#child(held, { indent, isLast: false, level });
      held = entry;
    }
    if (held !== undefined) await this.#child(held, { indent, isLast: true, level });
  }

  async #child(
    entry: FileEntry,
    {
      indent,
      isLast,
      level,
    }: { readonly indent: string; readonly isLast: boolean; readonly level: number },
  ): Promise<void> {
    const { output } = this.#session;
    if (entry.kind === "directory") this.#directories += 1;
    else this.#files += 1;
    if (output.isJson) await output.json(entry);
    else await output.line(`${indent}${isLast ? "└── " : "├── "}${this.#label(entry, entry.name)}`);
    if (entry.kind === "directory") {
      await this.#children(entry.path, `${indent}${isLast ? "    " : "│   "}`, level + 1);
    }
  }

  #label(entry: FileEntry, text: string): string {
    const { output } = this.#session;
    const name = output.name(text);
    if (entry.kind === "directory") {
      const slashed = name.endsWith("/") ? name : `${name}/`;
      return output.isTerminal ? styleText(["bold", "blue"], slashed) : slashed;
    }
    return this.#flags.size === true || this.#flags.bytes === true
      ? `${name}  (${shownSize(entry.sizeBytes, this.#flags.bytes === true)})`
      : name;
  }
}
