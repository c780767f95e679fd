import { hasReason } from "@cairnfs/base/errors";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type RecordReader, type RecordWriter, recordCodec } from "./record.ts";

/** A field of some kind with a value for it. */
type Field =
  | { readonly kind: "u8" | "u32" | "u64" | "varint"; readonly value: number }
  | { readonly kind: "bool"; readonly value: boolean }
  | { readonly kind: "bytes"; readonly value: readonly number[] }
  | { readonly kind: "text"; readonly value: string }
  | { readonly kind: "optional"; readonly value: string | undefined }
  | { readonly kind: "list"; readonly value: readonly number[] }
  | { readonly kind: "map"; readonly value: readonly (readonly [string, string])[] };

const aText = fc.string({ unit: "grapheme", maxLength: 40 });
const aMap = fc.uniqueArray(fc.tuple(aText, aText), { selector: ([key]) => key, maxLength: 5 });
const aField: fc.Arbitrary<Field> = fc.oneof(
  fc.record({ kind: fc.constant("u8" as const), value: fc.nat(255) }),
  fc.record({ kind: fc.constant("u32" as const), value: fc.nat(2 ** 32 - 1) }),
  fc.record({ kind: fc.constant("u64" as const), value: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant("varint" as const), value: fc.maxSafeNat() }),
  fc.record({ kind: fc.constant("bool" as const), value: fc.boolean() }),
  fc.record({ kind: fc.constant("bytes" as const), value: fc.array(fc.nat(255)) }),
  fc.record({ kind: fc.constant("text" as const), value: aText }),
  fc.record({
    kind: fc.constant("optional" as const),
    value: fc.option(aText, { nil: undefined }),
  }),
  fc.record({ kind: fc.constant("list" as const), value: fc.array(fc.maxSafeNat()) }),
  fc.record({ kind: fc.constant("map" as const), value: aMap }),
);

function write(to: RecordWriter, field: Field): void {
  if (field.kind === "bytes") to.bytes(Uint8Array.from(field.value));
  else if (field.kind === "optional") to.optional(field.value, (to, value) => to.text(value));
  else if (field.kind === "list") to.list(field.value, (to, value) => to.varint(value));
  else if (field.kind === "map") to.textMap(new Map(field.value));
  else if (field.kind === "bool") to.bool(field.value);
  else if (field.kind === "text") to.text(field.value);
  else to[field.kind](field.value);
}

function read(from: RecordReader, kind: Field["kind"]): Field["value"] {
  switch (kind) {
    case "bytes":
      return [...from.bytes()];
    case "optional":
      return from.optional((from) => from.text());
    case "list":
      return from.list((from) => from.varint());
    case "map":
      return [...from.textMap()];
    default:
      return from[kind]();
  }
}

function codecFor(kinds: readonly Field["kind"][]) {
  return recordCodec<readonly Field[]>("sample", {
    version: 1,
    write: (to, fields) => {
      for (const field of fields) write(to, field);
    },
    read: (from) => kinds.map((kind) => ({ kind, value: read(from, kind) }) as Field),
  });
}

test("a record of any fields comes back as it went", () => {
  fc.assert(
    fc.property(fc.array(aField, { maxLength: 8 }), (fields) => {
      const codec = codecFor(fields.map((field) => field.kind));
      expect(codec.decode(codec.encode(fields))).toEqual(fields);
    }),
    { numRuns: 1000 },
  );
});

test("any bytes are decoded or refused as damaged, and nothing else happens", () => {
  const kinds = aField.map((field) => field.kind);
  fc.assert(
    fc.property(
      fc.array(kinds, { maxLength: 8 }),
      fc.uint8Array({ maxLength: 60 }),
      (all, bytes) => {
        try {
          codecFor(all).decode(Uint8Array.of(1, ...bytes));
        } catch (error) {
          expect(hasReason(error, "internal")).toBe(true);
        }
      },
    ),
    { numRuns: 2000 },
  );
});
