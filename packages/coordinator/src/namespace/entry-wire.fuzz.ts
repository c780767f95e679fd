import { create, toBinary } from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import { ObjectAttributesSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import { ListResponseSchema } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { ListObjectsResponseSchema } from "@cairnfs/protocol/gen/cairn/v1/objects_pb";
import { decodeMessage, encodeMessage, joinParts } from "@cairnfs/protocol/rpc/codec";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type EntryRecord, entryCodec, sortNameOf } from "./entry.ts";
import { entryMessage } from "./entry-message.ts";
import { ListingWriter } from "./entry-wire.ts";
import { contentId, inodeId } from "./ids.ts";

const aText = fc.string({ unit: "grapheme", maxLength: 300 });
const aNumber = fc.oneof(fc.nat(200), fc.maxSafeNat());
const common = {
  inodeId: aNumber.map(inodeId),
  version: aNumber,
  createdMs: aNumber,
  modifiedMs: aNumber,
  mode: fc.nat(0o7777),
  contentType: aText,
  userMetadata: fc
    .uniqueArray(fc.tuple(aText, aText), { selector: ([name]) => name, maxLength: 200 })
    .map((pairs): ReadonlyMap<string, string> => new Map(pairs)),
};
const anObject = fc
  .record({
    partCount: fc.nat(10_000),
    tags: fc.dictionary(aText, aText, { maxKeys: 10, noNullPrototype: true }),
    acl: fc.uint8Array({ maxLength: 200 }),
  })
  .map((init) => toBinary(ObjectAttributesSchema, create(ObjectAttributesSchema, init)));
const anEntry: fc.Arbitrary<EntryRecord> = fc.oneof(
  fc.record({
    kind: fc.constant("file" as const),
    ...common,
    contentId: aNumber.map(contentId),
    sizeBytes: aNumber,
    chunkCount: aNumber,
    chunkSizeBytes: aNumber,
    replicationFactor: fc.nat(255),
    sha256: fc.uint8Array({ maxLength: 32 }),
    object: fc.option(anObject, { nil: undefined }),
    sequence: aNumber,
    isNull: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("directory" as const),
    ...common,
    policy: fc.record({
      chunkSizeBytes: fc.option(aNumber, { nil: undefined }),
      replicationFactor: fc.option(fc.nat(255), { nil: undefined }),
      trashMs: fc.option(aNumber, { nil: undefined }),
    }),
    isImplied: fc.boolean(),
  }),
);
const aName = aText.filter((name) => name !== "" && !name.includes("/"));

test("a response of records is the response of the entries that they hold", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(aName, anEntry), { maxLength: 5 }), aText, (all, nextAfter) => {
      const writer = new ListingWriter();
      for (const [name, entry] of all) {
        writer.add(Buffer.from(sortNameOf(name, entry.kind)), entryCodec.encode(entry));
      }
      const entries = all.map(([name, entry]) => entryMessage(name, entry));
      const expected = joinParts(encodeMessage(ListResponseSchema, { entries, nextAfter }));
      const decoded = (bytes: Uint8Array) => decodeMessage(ListResponseSchema, bytes, "internal");
      const actual = Uint8Array.from(writer.finish(Buffer.from(nextAfter)));
      expect(decoded(actual)).toEqual(decoded(expected));
    }),
    { numRuns: 300 },
  );
});

test("a response of objects is the response of the entries that they hold", () => {
  const aKey = fc
    .array(aText.filter((name) => !name.includes("/")))
    .map((names) => names.join("/"));
  const aFile = anEntry.filter((entry) => entry.kind === "file");
  fc.assert(
    fc.property(aKey, aFile, fc.boolean(), aText, (key, entry, isVersioned, nextAfter) => {
      const writer = new ListingWriter();
      writer.addObject(Buffer.from(key), entryCodec.encode(entry), isVersioned);
      writer.addCommonPrefix(Buffer.from(nextAfter));
      const name = key.slice(key.lastIndexOf("/") + 1);
      const items = [{ key, entry: entryMessage(name, entry, isVersioned) }, { key: nextAfter }];
      const expected = joinParts(encodeMessage(ListObjectsResponseSchema, { items, nextAfter }));
      const decoded = (bytes: Uint8Array) =>
        decodeMessage(ListObjectsResponseSchema, bytes, "internal");
      const actual = Uint8Array.from(writer.finish(Buffer.from(nextAfter)));
      expect(decoded(actual)).toEqual(decoded(expected));
    }),
    { numRuns: 200 },
  );
});

test("any bytes are taken for a record or refused as damaged, and nothing else happens", () => {
  fc.assert(
    fc.property(fc.nat(4), fc.uint8Array({ maxLength: 60 }), (version, bytes) => {
      const writer = new ListingWriter();
      try {
        writer.add(Buffer.from("name"), Uint8Array.of(version, ...bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(CairnError);
      }
    }),
    { numRuns: 2000 },
  );
});

test("what was cut off is not in the response", () => {
  fc.assert(
    fc.property(anEntry, anEntry, (kept, cut) => {
      const [writer, expected] = [new ListingWriter(), new ListingWriter()];
      for (const each of [writer, expected]) each.add(Buffer.from("a"), entryCodec.encode(kept));
      const { sizeBytes } = writer;
      writer.add(Buffer.from("b"), entryCodec.encode(cut));
      writer.cut(sizeBytes);
      expect(writer.finish(new Uint8Array(0))).toEqual(expected.finish(new Uint8Array(0)));
    }),
    { numRuns: 50 },
  );
});
