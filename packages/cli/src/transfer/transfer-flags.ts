import type { Command } from "commander";
import { parseCount, parseSizeOption } from "../parse-option.ts";

/** How files are transferred. */
export interface TransferFlags {
  readonly recursive?: boolean;
  readonly preserve?: boolean;
  /** False with --no-clobber. */
  readonly clobber: boolean;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
  readonly parallel: number;
  readonly chunkSize?: number;
  readonly replicas?: number;
  readonly sha256?: boolean;
}

/** Files at once unless told otherwise: enough to hide the round trips of small ones. */
const PARALLEL = 8;

export function transferFlags(command: Command): Command {
  return command
    .option("-r, --recursive", "take directories with all that is in them")
    .option("-p, --preserve", "keep permission bits and times")
    .option("-n, --no-clobber", "replace nothing")
    .option("--parallel <count>", "files at the same time", parseCount(1, 256), PARALLEL)
    .option("-v, --verbose", "name each file as it is done")
    .option("-q, --quiet", "no progress and no summary");
}

export function storageFlags(command: Command): Command {
  return command
    .option("--chunk-size <size>", "cut files into chunks of this size, like 8MiB", parseSizeOption)
    .option("--replicas <count>", "copies of each chunk", parseCount(1, 16));
}
