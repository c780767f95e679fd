import { PAGE_BYTES, pageBuffer } from "@cairnfs/base/page-memory";
import { Prng, randomBelow } from "@cairnfs/base/random";
import { FaultDisk } from "@cairnfs/base/testing/fault-disk";
import { expect, test } from "vitest";
import { DirectAppender } from "./direct-appender.ts";

const PATH = "/f";

async function newAppender(disk: FaultDisk, stagingBytes = 4 * PAGE_BYTES) {
  const file = await disk.open(PATH, "write", { isDirect: true });
  return new DirectAppender(file, pageBuffer(stagingBytes));
}

test("whatever is appended in whatever parts lies in the file as it was given", async () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new Prng(seed);
    const disk = new FaultDisk(random);
    const appender = await newAppender(disk, PAGE_BYTES * (1 + randomBelow(random, 4)));
    let written = Buffer.alloc(0);
    for (let round = 0; round < 20; round++) {
      const parts = Array.from({ length: randomBelow(random, 4) }, () =>
        random.bytes(randomBelow(random, 3) === 0 ? PAGE_BYTES : randomBelow(random, 9000)),
      );
      await appender.write(parts, written.byteLength);
      await appender.sync();
      written = Buffer.concat([written, ...parts]);
      const content = Buffer.from(disk.content(PATH));
      expect(content.subarray(0, written.byteLength).equals(written), `seed ${seed}`).toBe(true);
      expect(content.subarray(written.byteLength).every((byte) => byte === 0)).toBe(true);
      expect(content.byteLength - written.byteLength).toBeLessThan(PAGE_BYTES);
    }
    await appender.close();
  }
});

test("after a write that failed, or bytes that were cut off, it goes on with what is in the file", async () => {
  const disk = new FaultDisk(new Prng(1));
  const appender = await newAppender(disk);
  const first = Buffer.alloc(PAGE_BYTES + 100, 1);
  await appender.write([first], 0);
  for (const operation of ["write", "sync"] as const) {
    disk.fail({ code: "EIO", operations: [operation], times: 1 });
    const failed = async () => {
      await appender.write([Buffer.alloc(3 * PAGE_BYTES, 2)], first.byteLength);
      await appender.sync();
    };
    await expect(failed()).rejects.toThrow("EIO");
    await appender.truncate(first.byteLength);
  }
  const second = Buffer.alloc(10, 3);
  await appender.write([second], first.byteLength);
  const content = Buffer.from(disk.content(PATH));
  expect(content.subarray(0, first.byteLength + 10).equals(Buffer.concat([first, second]))).toBe(
    true,
  );
});

test("an append in the middle of a page leaves what was synced before as it was, whatever a power loss tears", async () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Prng(seed);
    const disk = new FaultDisk(random);
    const appender = await newAppender(disk);
    const first = random.bytes(1 + randomBelow(random, 2 * PAGE_BYTES));
    await appender.write([first], 0);
    await appender.sync();
    await disk.syncFolder("/");
    await appender.write([random.bytes(1 + randomBelow(random, 9000))], first.byteLength);
    const content = Buffer.from(disk.crash().content(PATH));
    expect(content.subarray(0, first.byteLength).equals(first), `seed ${seed}`).toBe(true);
  }
});
