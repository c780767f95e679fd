import { test } from "vitest";
import { bitRot, crashTrial, diskErrors, lostSyncs, powerLoss } from "../testing/crash-trial.ts";
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

test("a disk that lies about syncs, or rots, makes the file store lose chunks but never serve wrong bytes", async () => {
  for (let seed = 0; seed < SEEDS; seed++) {
    await crashTrial({ open: FileChunkStore.open, seed, misfortune: lostSyncs, sizesBytes });
    await crashTrial({ open: FileChunkStore.open, seed, misfortune: bitRot, sizesBytes });
  }
}, 600_000);
