import { expect, test } from "vitest";
import { canonicalHeader, canonicalPath, canonicalQuery } from "./canonical.ts";
import { rawRequest } from "./testing/raw-request.ts";

test.each([
  ["/", "/"],
  ["/bucket/a-b_c.d~e", "/bucket/a-b_c.d~e"],
  ["/bucket//a/../b/./", "/bucket//a/../b/./"],
  ["/b/a%20b", "/b/a%20b"],
  ["/b/a+b", "/b/a%2Bb"],
  ["/b/%2f%2B%7e%41", "/b/%2F%2B~A"],
  ["/b/100%25", "/b/100%25"],
  ["/b/50%", "/b/50%25"],
  ["/b/(1)*!'", "/b/%281%29%2A%21%27"],
  ["/b/\u00c3\u00a9", "/b/%C3%A9"],
])("the path %j is signed as %j", (raw, signed) => {
  expect(canonicalPath(raw)).toBe(signed);
});

test.each([
  ["", ""],
  ["acl", "acl="],
  ["b=2&a=1", "a=1&b=2"],
  ["a=2&a=1", "a=1&a=2"],
  ["a-b=1&a=1", "a=1&a-b=1"],
  ["prefix=a+b&delimiter=/", "delimiter=%2F&prefix=a%20b"],
  ["q=a=b&&z", "q=a%3Db&z="],
  ["x=%e2%82%ac", "x=%E2%82%AC"],
  ["X-Amz-Signature=1&b", "b="],
])("the query %j is signed as %j", (raw, signed) => {
  expect(canonicalQuery(raw, "X-Amz-Signature")).toBe(signed);
});

test("headers are signed trimmed, with single spaces, and joined where they come several times", () => {
  const request = rawRequest({
    headers: [
      ["x-amz-meta-a", "  one   two "],
      ["x-amz-meta-b", "1"],
      ["X-Amz-Meta-B", " 2 "],
      ["x-amz-meta-c", "a, b"],
    ],
  });
  expect(canonicalHeader(request, "x-amz-meta-a")).toBe("one two");
  expect(canonicalHeader(request, "x-amz-meta-b")).toBe("1,2");
  expect(canonicalHeader(request, "x-amz-meta-c")).toBe("a, b");
  expect(canonicalHeader(request, "x-amz-meta-d")).toBe("");
  expect(canonicalHeader(request, "constructor")).toBe("");
  expect(canonicalHeader(request, "content-length")).toBe("0");
});
