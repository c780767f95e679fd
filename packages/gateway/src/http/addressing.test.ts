import { expect, test } from "vitest";
import { addressOf } from "./addressing.ts";

const DOMAINS = ["example.com", "S3.example.com"];

test.each([
  ["photos.example.com", "photos"],
  ["photos.s3.example.com:7090", "photos"],
  ["PHOTOS.S3.Example.com", "photos"],
  ["a.b.s3.example.com", "a.b"],
  ["s3.example.com", undefined],
  ["example.com", undefined],
  [".example.com", undefined],
  ["elsewhere.com", undefined],
])("of several domains the longest is meant: %s", (host, bucket) => {
  const address = addressOf("/x/y", host, DOMAINS);
  expect(address.isVirtualHosted).toBe(bucket !== undefined);
  expect(address).toMatchObject(
    bucket === undefined ? { bucket: "x", key: "y" } : { bucket, key: "x/y" },
  );
});
