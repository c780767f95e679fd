import { mkdir, rm, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { willBeEnded } from "../leftovers.ts";
import { runCommand, whyNotRoot } from "./run-command.ts";

/** A file system of limited size in a file of its own, mounted at a folder: it can really be full. */
export class LimitedDisk implements AsyncDisposable {
  readonly folder: string;
  readonly #image: string;
  readonly #ended: () => void;

  private constructor(folder: string, image: string) {
    this.folder = folder;
    this.#image = image;
    this.#ended = willBeEnded(this);
  }

  /** Why there can be no such disk here; undefined when there can. */
  static whyNot(): string | undefined {
    return whyNotRoot("mkfs.ext4", "mount", "umount");
  }

  /** Makes and mounts one below `parent`. */
  static async create(parent: string, name: string, sizeBytes: number): Promise<LimitedDisk> {
    const image = join(parent, `${name}.img`);
    const folder = join(parent, name);
    await mkdir(folder, { recursive: true });
    await writeFile(image, "");
    await truncate(image, sizeBytes);
    await runCommand("mkfs.ext4", "-q", "-m", "0", image);
    await runCommand("mount", "-o", "loop", image, folder);
    return new LimitedDisk(folder, image);
  }

  /** Fills what is left, to the last block, with a file that `drain` removes. */
  async fill(): Promise<void> {
    const [available = "0"] = (await runCommand("df", "--output=avail", "-B1", this.folder))
      .split("\n")
      .slice(1);
    await runCommand("fallocate", "-l", available.trim(), this.#ballast).catch(() => undefined);
    // What an estimate left over.
    await runCommand("dd", "if=/dev/zero", `of=${this.#ballast}.rest`, "bs=4096").catch(
      () => undefined,
    );
  }

  /** Gives back what `fill` took. */
  async drain(): Promise<void> {
    await rm(this.#ballast, { force: true });
    await rm(`${this.#ballast}.rest`, { force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended();
    await runCommand("umount", this.folder);
    await rm(this.#image, { force: true });
  }

  get #ballast(): string {
    return join(this.folder, "ballast");
  }
}
