import { expect, test } from "vitest";
import { jsonText } from "./json-text.ts";

test("bytes are hexadecimal text, however deep they are and whatever holds them", () => {
  const document = {
    md5: Buffer.from([0x1e, 0x45]),
    checksums: [{ algorithm: "crc64nvme", value: new Uint8Array([0, 255]) }],
    empty: new Uint8Array(),
    name: "ü",
    left: undefined,
  };
  expect(JSON.parse(jsonText(document))).toEqual({
    md5: "1e45",
    checksums: [{ algorithm: "crc64nvme", value: "00ff" }],
    empty: "",
    name: "ü",
  });
  expect(jsonText(Buffer.from([10]))).toBe('"0a"');
});
