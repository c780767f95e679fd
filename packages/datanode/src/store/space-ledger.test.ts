import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { expect, test } from "vitest";
import { SpaceLedger } from "./space-ledger.ts";

const MIB = 1024 * 1024;

/** A disk of 1,000 MiB, of which others use what the test says. */
function trial(options: { capacityBytes?: number; reserveBytes?: number } = { reserveBytes: 0 }) {
  const clock = new SimClock();
  const disk = { othersBytes: 0, oursBytes: 0, isFailing: false };
  const measure = async () => {
    if (disk.isFailing) throw Object.assign(new Error("EIO"), { code: "EIO", syscall: "statfs" });
    return {
      capacityBytes: 1000 * MIB,
      availableBytes: 1000 * MIB - disk.othersBytes - disk.oursBytes,
    };
  };
  return { clock, disk, ledger: new SpaceLedger(measure, clock, options) };
}

test("promises up to the last byte and not one more, and gives a promise back once", async () => {
  const { ledger } = trial();
  const room = await ledger.take(600 * MIB);
  await ledger.take(400 * MIB);
  await expect(ledger.take(1)).rejects.toMatchObject({ reason: "storeFull" });
  room();
  room();
  await ledger.take(600 * MIB);
  await expect(ledger.take(1)).rejects.toMatchObject({ reason: "storeFull" });
});

test("a cap counts what the store holds, the disk what others hold too", async () => {
  const { ledger, disk } = trial({ capacityBytes: 100 * MIB, reserveBytes: 0 });
  ledger.add(60 * MIB);
  disk.oursBytes = 60 * MIB;
  expect(await ledger.space()).toEqual({
    capacityBytes: 100 * MIB,
    usedBytes: 60 * MIB,
    availableBytes: 40 * MIB,
  });
  disk.othersBytes = 930 * MIB;
  await expect(ledger.take(41 * MIB)).rejects.toMatchObject({ reason: "storeFull" });
  expect((await ledger.space()).availableBytes).toBe(10 * MIB);
});

test("what others freed counts before anybody is refused, and what was written counts at once", async () => {
  const { ledger, disk } = trial();
  disk.othersBytes = 900 * MIB;
  const room = await ledger.take(80 * MIB);
  ledger.add(80 * MIB);
  disk.oursBytes = 80 * MIB;
  room();
  await expect(ledger.take(30 * MIB)).rejects.toMatchObject({ reason: "storeFull" });
  disk.othersBytes = 0;
  await ledger.take(900 * MIB);
});

test("the reserve is 1 % of the disk, at least 64 MiB, and at most a tenth", async () => {
  expect((await trial({}).ledger.space()).availableBytes).toBe(936 * MIB);
  expect((await trial({ capacityBytes: 100 * MIB }).ledger.space()).availableBytes).toBe(90 * MIB);
});

test("many who ask at once, while files grow, are counted right", async () => {
  // Goal: measuring the disk while others measure it loses no count. Method: rounds of many at once, the end is known.
  const { ledger, disk, clock } = trial();
  for (let round = 0; round < 100; round++) {
    await clock.advance(600);
    await Promise.all(
      Array.from({ length: 40 }, async () => {
        const room = await ledger.take(MIB);
        ledger.add(1024);
        disk.oursBytes += 1024;
        room();
      }),
    );
  }
  await clock.advance(2000);
  expect(await ledger.space()).toEqual({
    capacityBytes: 1000 * MIB,
    usedBytes: 100 * 40 * 1024,
    availableBytes: 1000 * MIB - 100 * 40 * 1024,
  });
});

test("a disk that cannot be measured fails, and is asked again", async () => {
  const { ledger, disk } = trial();
  disk.isFailing = true;
  await expect(ledger.take(1)).rejects.toMatchObject({ reason: "storeFailed" });
  disk.isFailing = false;
  await ledger.take(1);
});
