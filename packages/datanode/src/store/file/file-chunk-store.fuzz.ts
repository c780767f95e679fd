import { test } from "vitest";
import { crashTrial, diskErrors, powerLoss } from "../testing/crash-trial.ts";
import { FileChunkStore } from "./file-chunk-store.ts";

// Goal: whatever was acknowledged is there after a power loss at any instant, and nothing half-written is.
// Method: random work on a disk that loses what was not synced; each failing seed is in the message.
const SEEDS = Number(process.env.CAIRN_FUZZ_SEEDS ?? 20);
const sizesBytes = [10, 3000, 70_000, 140_000];

test("after a power loss the file store holds what it acknowledged", async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    await crashTrial({ open: FileChunkStore.open, seed, misfortune: powerLoss, sizesBytes });
  }
}, 600_000);

test("after disk errors the file store holds what it acknowledged", async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    await crashTrial({ open: FileChunkStore.open, seed, misfortune: diskErrors, sizesBytes });
  }
}, 600_000);
