import { expect, test } from "vitest";
import { objectUrl } from "./object-url.ts";

const request = { bucket: "photos", key: "a b/ü", isSecure: false, isVirtualHosted: false };

test("an object is told to be where the request found its bucket, in the path or in the host", () => {
  expect(objectUrl({ ...request, headers: { host: "s3.test:7090" } })).toBe(
    "http://s3.test:7090/photos/a%20b/%C3%BC",
  );
  const headers = { host: "photos.s3.test" };
  expect(objectUrl({ ...request, headers, isVirtualHosted: true, isSecure: true })).toBe(
    "https://photos.s3.test/a%20b/%C3%BC",
  );
});
