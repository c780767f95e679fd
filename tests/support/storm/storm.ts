import { createHash } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Prng } from "@cairnfs/base/random";
import { eventually } from "@cairnfs/base/testing/eventually";
import type { CairnClient } from "@cairnfs/client";
import { parseChunkId } from "@cairnfs/protocol/chunk-id";
import { HostNetwork } from "@cairnfs/testkit/hosts/host-network";
import { LimitedDisk } from "@cairnfs/testkit/hosts/limited-disk";
import { ProcessCluster } from "@cairnfs/testkit/process-cluster";
import { expect } from "vitest";
import { copiesOnDisks } from "../disks.ts";
import { expectSound } from "../fsck.ts";
import { MIB } from "../verify.ts";
import { Nemesis } from "./nemesis.ts";
import { RegisterLoad } from "./register-load.ts";
import { SetLoad } from "./set-load.ts";
import { stamped } from "./stamped.ts";

export interface StormOptions {
  readonly seed: number;
  readonly seconds: number;
}

const DATANODES = 5;
const DISK_BYTES = 512 * MIB;
const CLIENTS_OF_EACH_KIND = 3;
const INLINE_BYTES_MAX = 4096;
const WANTED_COPIES = 3;
const HEALED_WITHIN_MS = 90_000;
const IMPATIENT = { patienceMs: 3_000, timeoutMs: 2_000, stallMs: 2_000 };

/** Why there can be no storm here; undefined when there can. */
export function whyNoStorm(): string | undefined {
  return HostNetwork.whyNot() ?? LimitedDisk.whyNot();
}

/**
 * Goal: whatever happens to processes, network and disks, the files are linearizable registers, nothing that was
 * acknowledged is lost, and the cluster heals by itself to the wanted number of intact copies.
 * Method: in the manner of Jepsen. Clients use files as registers and as a set while a nemesis does one harm after the other, by
 * seed; then all is put right, histories are judged, and the disks are looked at.
 */
export async function weatherStorm({ seed, seconds }: StormOptions): Promise<void> {
  const folder = join(tmpdir(), `cairnfs-storm-${process.pid}-${seed}`);
  await mkdir(folder, { recursive: true });
  try {
    await using first = await LimitedDisk.create(folder, "disk-0", DISK_BYTES);
    await using second = await LimitedDisk.create(folder, "disk-1", DISK_BYTES);
    const limited = [first, second];
    await using network = await HostNetwork.create(DATANODES + 1);
    await using cluster = await ProcessCluster.start({
      name: "storm",
      datanodes: DATANODES,
      network,
      coordinator: { CAIRN_REPAIR_DELAY_MS: "2000" },
      datanode: (index) => {
        const disk = limited[index];
        return disk === undefined
          ? {}
          : { dataDir: join(disk.folder, "data"), environment: { CAIRN_RESERVE_BYTES: "16MiB" } };
      },
    });
    const parts = { cluster, network, disks: limited, damagedIndex: DATANODES - 1 };
    await weatherWith({ ...parts, random: new Prng(seed) }, seconds);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function weatherWith(
  parts: ConstructorParameters<typeof Nemesis>[0],
  seconds: number,
): Promise<void> {
  const { cluster } = parts;
  const client = await cluster.connect();
  // Small chunks, so that a register has many.
  await client.mkdir("/register", { policy: { chunkSizeBytes: 256 * 1024 } });
  const registers = new RegisterLoad();
  const set = new SetLoad();
  const nemesis = new Nemesis(parts);
  const over = new AbortController();
  const loads: Promise<void>[] = [];
  for (let number = 0; number < CLIENTS_OF_EACH_KIND; number++) {
    const random = new Prng(number);
    loads.push(registers.run(await cluster.connect(IMPATIENT), `r${number}`, random, over.signal));
    loads.push(set.run(await cluster.connect(IMPATIENT), `s${number}`, random, over.signal));
  }
  const harm = nemesis.run(over.signal);
  // A load or the nemesis that fails ends the storm at once.
  await Promise.race([pause(seconds * 1000), ...loads, harm]);
  over.abort();
  await Promise.all([...loads, harm]);
  await cluster.restartAll();

  const { operations, answered } = registers;
  console.info(
    `${set.added.size} files added, ${answered} of ${operations} register operations answered; ` +
      [...nemesis.done].map(([name, times]) => `${name} ${times}`).join(", "),
  );
  const judge = await cluster.connect();
  await set.check(judge);
  await registers.check(judge);
  await untilHealed(judge);
  await expectSound(judge);
  await expectCopies(cluster, set.added);
}

/** Every copy has been read, what was damaged is found, and none is missing. */
async function untilHealed(client: CairnClient): Promise<void> {
  await client.scrubs.start();
  await eventually(async () => {
    const { nodes } = await client.scrubs.status();
    expect(nodes.filter((node) => !node.isRequestDone)).toEqual([]);
    const { underreplicatedChunks } = await client.clusterState();
    expect(underreplicatedChunks).toBe(0);
  }, HEALED_WITHIN_MS);
}

/** Ends the cluster and looks at its disks: every file that has a chunk of its own has the wanted copies of it, all intact. */
async function expectCopies(cluster: ProcessCluster, values: Iterable<string>): Promise<void> {
  const copies = await copiesOnDisks(cluster);
  for (const value of values) {
    const bytes = await stamped(value);
    if (bytes.byteLength <= INLINE_BYTES_MAX) continue;
    const id = createHash("sha256").update(bytes).digest("hex");
    const held = copies.get(parseChunkId(id))?.length ?? 0;
    // One too many goes when inventories are compared.
    expect({ value, isSafe: held >= WANTED_COPIES, held }).toMatchObject({ isSafe: true });
  }
}
