import { expect, test } from "vitest";
import { S3Error } from "../s3/errors.ts";
import { readForm } from "./form-reader.ts";

const TYPE = "multipart/form-data; boundary=xyz";
const field = (name: string, value: string) =>
  `--xyz\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
const file = (bytes: string) =>
  `--xyz\r\nContent-Disposition: form-data; name="File"; filename="a \\"b\\".txt"\r\nContent-Type: text/plain\r\n\r\n${bytes}\r\n--xyz`;

async function* pieces(text: string, sizeBytes: number): AsyncGenerator<Uint8Array> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.byteLength; at += sizeBytes) yield bytes.subarray(at, at + sizeBytes);
}

async function read(text: string, sizeBytes = 7, type: string | undefined = TYPE) {
  const form = await readForm(type, pieces(text, sizeBytes));
  let bytes = "";
  for await (const piece of form.file) bytes += Buffer.from(piece).toString("latin1");
  return { fields: Object.fromEntries(form.fields), filename: form.filename, bytes };
}

test.each([1, 2, 3, 7, 64, 100_000])(
  "a form that comes in pieces of %i bytes is read whole",
  async (sizeBytes) => {
    const content = `a\r\n--xy\r\n\r\n--xy${"z".repeat(300)}`.replace("xyz", "xy.");
    const text = `${field("Key", "k")}${field("x-amz-meta-a", "ü\r\nb")}${file(content)}--\r\nrest`;
    expect(await read(text, sizeBytes)).toEqual({
      fields: { key: "k", "x-amz-meta-a": "ü\r\nb" },
      filename: 'a "b".txt',
      bytes: content,
    });
  },
);

test("an empty file is a file", async () => {
  expect((await read(`${file("")}--\r\n`)).bytes).toBe("");
});

test.each<[string, string, string | undefined, string]>([
  ["another type", file("a"), "application/json", "PreconditionFailed"],
  ["no boundary", file("a"), "multipart/form-data", "PreconditionFailed"],
  ["no file", `${field("key", "k")}--xyz--\r\n`, TYPE, "InvalidArgument"],
  ["an end in a field", field("key", "k"), TYPE, "MalformedPOSTRequest"],
  ["an end in the file", `${file("abc").slice(0, -4)}`, TYPE, "MalformedPOSTRequest"],
  ["a part without a name", "--xyz\r\nA: b\r\n\r\nc\r\n--xyz--", TYPE, "MalformedPOSTRequest"],
  [
    "fields that are too long",
    field("key", "k".repeat(21_000)) + file("a"),
    TYPE,
    "MaxPostPreDataLengthExceededError",
  ],
  [
    "headers without an end",
    `--xyz\r\n${"A".repeat(30_000)}`,
    TYPE,
    "MaxPostPreDataLengthExceededError",
  ],
])("a form with %s is refused", async (_, text, type, code) => {
  const refused = await read(text, 100, type).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(S3Error);
  expect(refused).toMatchObject({ code });
});
