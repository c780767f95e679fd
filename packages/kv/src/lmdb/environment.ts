/**
 * How the store lies in its folder: an LMDB environment with three databases, and the journal (journal-record.ts).
 *
 *     entries   the store's keys and values, as they are
 *     state     "format"  -> u32: 2
 *               "ceiling" -> u64: no commit has had this number or one above it
 *               "applied" -> u64: the entries are the state after this commit; later ones are in the journal
 *               "salt"    -> 8 bytes, random: what marks the journal's records as this store's
 *     reserve   u32 from 0 on -> 3,000 bytes: a page each, given up when the disk is full so that deletions go on
 *
 * All integers are big-endian. docs/formats/lmdb-store.md is the register.
 */

import { dirname } from "node:path";
import { CairnError } from "@cairnfs/base/errors";
import type { Random } from "@cairnfs/base/random";
import { RealDisk } from "@cairnfs/base/real-disk";
import { type Database, open, type RootDatabase } from "lmdb";
import { freeReservePages, reserveSteps } from "./free-reserve.ts";
import { SALT_BYTES } from "./journal-record.ts";
import { readU64, writeU64 } from "./u64.ts";

export type BytesDatabase = Database<Buffer, Uint8Array>;

export interface Environment {
  readonly root: RootDatabase;
  readonly entries: BytesDatabase;
  readonly state: BytesDatabase;
}

const FORMAT = 2;
/** Everything was in LMDB: the same with an empty journal. */
const FORMAT_WITHOUT_JOURNAL = 1;
/** Address space, not disk: the file takes what it needs, and LMDB maps more if even this does not do. */
const MAP_BYTES = 2 ** 40;
/** A slot is taken by each state of the store that somebody still reads. */
const READERS_MAX = 2048;
/** Commit numbers are reserved so many at a time; those that were not used when the store closed are skipped. */
export const RESERVED_COMMITS = 2 ** 30;

const bytesDatabase = { encoding: "binary", keyEncoding: "binary" } as const;
export const ENTRIES = { name: "entries", ...bytesDatabase } as const;
export const STATE = { name: "state", ...bytesDatabase } as const;
export const RESERVE = { name: "reserve", ...bytesDatabase } as const;
export const FORMAT_KEY = Buffer.from("format");
export const CEILING_KEY = Buffer.from("ceiling");
export const APPLIED_KEY = Buffer.from("applied");
const SALT_KEY = Buffer.from("salt");

/** What both threads open the environment with: they must agree. */
export function lmdbOptions(folder: string) {
  return {
    path: folder,
    noSubdir: false,
    mapSize: MAP_BYTES,
    maxDbs: 8,
    maxReaders: READERS_MAX,
    // With it, commits would be seen before they are durable.
    overlappingSync: false,
    ...bytesDatabase,
  };
}

/** Opens the environment, or makes it, durably. One that has another format is `storeForeign`. */
export async function openEnvironment(folder: string): Promise<Environment> {
  const root = open(lmdbOptions(folder));
  const entries: BytesDatabase = root.openDB(ENTRIES);
  const state: BytesDatabase = root.openDB(STATE);
  const format = state.getBinary(FORMAT_KEY);
  const found = format?.readUInt32BE(0) ?? FORMAT;
  if (found !== FORMAT && found !== FORMAT_WITHOUT_JOURNAL) {
    await root.close();
    throw new CairnError(
      "storeForeign",
      `the metadata store in ${folder} has format ${found}, expected ${FORMAT}`,
    );
  }
  const disk = new RealDisk();
  await disk.syncFolder(folder);
  await disk.syncFolder(dirname(folder));
  return { root, entries, state };
}

/** What an opening of the store begins with. */
export interface Opening {
  /** The commit numbers from here on, `RESERVED_COMMITS` of them, are above all that were used before. */
  readonly firstSequence: number;
  /** The last commit whose writes are in the entries; 0 where there was none. */
  readonly applied: number;
  /** Of the journal's records. */
  readonly salt: Uint8Array;
}

/**
 * Reserves the commit numbers of this opening, durably, and gives a new store its salt. On a full disk that takes the room of the
 * reserve.
 */
export function beginOpening(environment: Environment, random: Random): Opening {
  try {
    return takeNumbers(environment, random);
  } catch (error) {
    if (!giveUpReserve(environment)) throw error;
    return takeNumbers(environment, random);
  }
}

/** False when there was none, or even that was not possible. */
function giveUpReserve({ root }: Environment): boolean {
  try {
    const reserve: BytesDatabase = root.openDB(RESERVE);
    if (reserve.getCount() === 0) return false;
    for (const pages of reserveSteps()) {
      // A reading that lmdb has at hand would keep what is freed from being used.
      reserve.resetReadTxn();
      if (freeReservePages({ root, reserve }, pages)) break;
    }
    freeReservePages({ root, reserve }, 1);
    return true;
  } catch {
    return false;
  }
}

function takeNumbers({ root, state }: Environment, random: Random): Opening {
  return root.transactionSync(() => {
    const ceiling = state.getBinary(CEILING_KEY);
    const first = ceiling === undefined ? 0 : readU64(ceiling, 0);
    const format = Buffer.alloc(4);
    format.writeUInt32BE(FORMAT);
    state.putSync(FORMAT_KEY, format);
    state.putSync(CEILING_KEY, u64Bytes(first + RESERVED_COMMITS));
    const applied = state.getBinary(APPLIED_KEY);
    const kept = state.getBinary(SALT_KEY);
    const salt = kept === undefined ? random.bytes(SALT_BYTES) : Uint8Array.from(kept);
    if (kept === undefined) state.putSync(SALT_KEY, Buffer.from(salt));
    return {
      firstSequence: first,
      applied: applied === undefined ? 0 : readU64(applied, 0),
      salt,
    };
  });
}

function u64Bytes(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  writeU64(bytes, 0, value);
  return bytes;
}
