import type { ChunkId } from "@cairnfs/protocol/chunk-id";
import { expect, test } from "vitest";
import { VerificationAges } from "./verification-ages.ts";

const id = (first: string) => first.padEnd(64, "0") as ChunkId;
const at = (atMs: number) => ({ atMs, isKnown: true });

test("a pass forgets copies that are gone, the ones with the lowest ids and the last one too", () => {
  const ages = new VerificationAges();
  ages.begin(undefined);
  for (const first of ["05", "30", "f0"]) ages.add(id(first), 10, at(100));
  ages.end();
  expect(ages.overdue(101)).toEqual({ chunks: 3, sizeBytes: 30 });

  ages.begin(undefined);
  ages.add(id("30"), 10, at(200));
  ages.end();
  expect(ages.oldestMs).toBe(200);
  expect(ages.overdue(150)).toEqual({ chunks: 0, sizeBytes: 0 });

  ages.begin(undefined);
  ages.end();
  expect(ages.overdue(1000)).toEqual({ chunks: 0, sizeBytes: 0 });
});

test("a pass that goes on keeps what was found before its cursor", () => {
  const ages = new VerificationAges();
  ages.begin(undefined);
  for (const first of ["05", "30", "31", "f0"]) ages.add(id(first), 10, at(100));
  ages.end();

  ages.begin(id("30"));
  ages.add(id("f0"), 10, at(200));
  ages.end();
  expect(ages.overdue(150)).toEqual({ chunks: 2, sizeBytes: 20 });
});
