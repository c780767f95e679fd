import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { CairnError } from "@cairnfs/client";
import { expect, test } from "vitest";
import { KeyCache } from "./key-cache.ts";
import { foundKey } from "./testing/known-keys.ts";

const PAIR = { accessKeyId: "AK1", secretKey: "secret-1" };

class SettableClock extends SimClock {
  setBackMs = 0;

  override now(): number {
    return super.now() - this.setBackMs;
  }
}

function cache(answer: (accessKeyId: string) => Promise<ReturnType<typeof foundKey>>) {
  const clock = new SettableClock(0);
  const asked: string[] = [];
  const source = {
    findKey: (accessKeyId: string) => {
      asked.push(accessKeyId);
      return answer(accessKeyId);
    },
  };
  return { clock, asked, keys: new KeyCache(source, clock) };
}

test("a key is looked up once a second, by all who ask together", async () => {
  const { clock, asked, keys } = cache(async () => foundKey(PAIR));
  const [one, other] = await Promise.all([keys.find("AK1"), keys.find("AK1")]);
  expect(one).toBe(other);
  await clock.advance(999);
  await keys.find("AK1");
  expect(asked).toEqual(["AK1"]);
  await clock.advance(1);
  await keys.find("AK1");
  expect(asked).toEqual(["AK1", "AK1"]);
});

test("a clock that is set back makes no key good for longer", async () => {
  const { clock, asked, keys } = cache(async () => foundKey(PAIR));
  await keys.find("AK1");
  clock.setBackMs = 3_600_000;
  await clock.advance(1000);
  await keys.find("AK1");
  expect(asked).toEqual(["AK1", "AK1"]);
});

test("that there is no key is remembered too, that nobody could be asked is not", async () => {
  let reason: "accessKeyNotFound" | "unreachable" = "accessKeyNotFound";
  const { asked, keys } = cache(async () => {
    throw new CairnError(reason, "no");
  });
  expect(await keys.find("AK1")).toBeUndefined();
  expect(await keys.find("AK1")).toBeUndefined();
  expect(asked).toHaveLength(1);
  reason = "unreachable";
  await expect(keys.find("AK2")).rejects.toMatchObject({ reason });
  await expect(keys.find("AK2")).rejects.toMatchObject({ reason });
  expect(asked).toHaveLength(3);
});

test("guessing keys does not fill the memory", async () => {
  const { asked, keys } = cache(async () => foundKey(PAIR));
  for (let number = 0; number < 1025; number++) await keys.find(`AK${number}`);
  await keys.find("AK1024");
  expect(asked).toHaveLength(1025);
  await keys.find("AK0");
  expect(asked).toHaveLength(1026);
});
