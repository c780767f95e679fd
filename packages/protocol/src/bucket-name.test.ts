import { expect, test } from "vitest";
import { isBucketName } from "./bucket-name.ts";

test.each(["abc", "my-bucket", "a.b.c", "a1b", "0-9", "192.168.5", "a--b", "a".repeat(63)])(
  "%s is the name of a bucket",
  (name) => {
    expect(isBucketName(name)).toBe(true);
  },
);

test.each([
  "",
  "ab",
  "a".repeat(64),
  "Abc",
  "a_b",
  "-abc",
  "abc-",
  ".abc",
  "abc.",
  "a..b",
  "a.-b",
  "a-.b",
  "192.168.5.4",
  "xn--abc",
  "sthree-abc",
  "abc-s3alias",
  "abc--ol-s3",
  "a/b",
  "lost+found",
  "bücket",
  "abc\n",
])("%j is not", (name) => {
  expect(isBucketName(name)).toBe(false);
});
