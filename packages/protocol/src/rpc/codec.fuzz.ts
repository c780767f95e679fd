import {
  create,
  type DescField,
  type DescMessage,
  fromBinary,
  ScalarType,
  toBinary,
} from "@bufbuild/protobuf";
import { CairnError } from "@cairnfs/base/errors";
import { Prng, randomBelow } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { file_cairn_test_v1_echo } from "../gen/cairn/test/v1/echo_pb.ts";
import { file_cairn_v1_access } from "../gen/cairn/v1/access_pb.ts";
import { file_cairn_v1_buckets } from "../gen/cairn/v1/buckets_pb.ts";
import { file_cairn_v1_check } from "../gen/cairn/v1/check_pb.ts";
import { file_cairn_v1_common } from "../gen/cairn/v1/common_pb.ts";
import { file_cairn_v1_coordinator } from "../gen/cairn/v1/coordinator_pb.ts";
import { file_cairn_v1_datanode } from "../gen/cairn/v1/datanode_pb.ts";
import { file_cairn_v1_encryption } from "../gen/cairn/v1/encryption_pb.ts";
import { file_cairn_v1_multipart } from "../gen/cairn/v1/multipart_pb.ts";
import { file_cairn_v1_nodes } from "../gen/cairn/v1/nodes_pb.ts";
import { file_cairn_v1_objects } from "../gen/cairn/v1/objects_pb.ts";
import { file_cairn_v1_redundancy } from "../gen/cairn/v1/redundancy_pb.ts";
import { file_cairn_v1_scrub } from "../gen/cairn/v1/scrub_pb.ts";
import { file_cairn_v1_trash } from "../gen/cairn/v1/trash_pb.ts";
import { CODECS } from "../gen/codecs.ts";
import { decodeMessage, encodeMessage, joinParts } from "./codec.ts";

const SCHEMAS: readonly DescMessage[] = [
  file_cairn_v1_access,
  file_cairn_v1_buckets,
  file_cairn_v1_check,
  file_cairn_v1_common,
  file_cairn_v1_coordinator,
  file_cairn_v1_datanode,
  file_cairn_v1_encryption,
  file_cairn_v1_multipart,
  file_cairn_v1_nodes,
  file_cairn_v1_objects,
  file_cairn_v1_redundancy,
  file_cairn_v1_scrub,
  file_cairn_v1_trash,
  file_cairn_test_v1_echo,
].flatMap((file) => file.messages);
const ROUNDS = 30;

/** Some of the fields of a message, as a caller would give them. */
type Init = Record<string, unknown>;

function pick<T>(random: Prng, items: readonly [T, ...T[]]): T {
  return items[randomBelow(random, items.length)] ?? items[0];
}

function randomInit(random: Prng, schema: DescMessage): Init {
  const init: Init = {};
  for (const member of schema.members) {
    if (random.next() < 0.3) continue;
    if (member.kind === "oneof") {
      const field = member.fields[randomBelow(random, member.fields.length)];
      if (field === undefined) continue;
      init[member.localName] = { case: field.localName, value: randomValue(random, field) };
    } else if (member.fieldKind === "list") {
      init[member.localName] = Array.from({ length: pick(random, [0, 1, 2, 30]) }, () =>
        randomValue(random, member),
      );
    } else if (member.fieldKind === "map") {
      init[member.localName] = Object.fromEntries(
        Array.from({ length: randomBelow(random, 4) }, () => [
          randomText(random),
          randomText(random),
        ]),
      );
    } else init[member.localName] = randomValue(random, member);
  }
  return init;
}

function randomValue(random: Prng, field: DescField): unknown {
  if (field.message !== undefined) {
    const init = randomInit(random, field.message);
    return random.next() < 0.5 ? init : create(field.message, init);
  }
  if (field.enum !== undefined) return pick(random, [0, 1, 2, 127, 128, 2_147_483_647, -1]);
  switch (field.scalar) {
    case ScalarType.BOOL:
      return random.next() < 0.5;
    case ScalarType.UINT64:
      return BigInt.asUintN(randomBelow(random, 65), randomUint64(random));
    case ScalarType.STRING:
      return randomText(random);
    case ScalarType.BYTES:
      return random.bytes(pick(random, [0, 1, 16, 127, 128, 4096, 4097]));
    default:
      return Number(BigInt.asUintN(randomBelow(random, 33), randomUint64(random)));
  }
}

function randomUint64(random: Prng): bigint {
  return new DataView(random.bytes(8).buffer).getBigUint64(0) | (1n << 63n);
}

function randomText(random: Prng): string {
  const letters = pick(random, ["a/b.c", "äöü", "名前", "🗿", "a\u0000é\ufffd"]);
  return letters.repeat(pick(random, [0, 1, 2, 5, 12, 40]));
}

test("every message has a codec", () => {
  expect(SCHEMAS.map((schema) => schema.typeName)).toEqual([...CODECS.keys()]);
});

test.each(SCHEMAS)("$typeName is written and read as protobuf-es does", (schema) => {
  const random = new Prng(schema.typeName.length);
  for (let round = 0; round < ROUNDS; round++) {
    const init = randomInit(random, schema);
    const bytes = toBinary(schema, create(schema, init));
    expectSame(joinParts(encodeMessage(schema, init)), bytes);
    expectSame(joinParts(encodeMessage(schema, create(schema, init))), bytes);
    const decoded = decodeMessage(schema, bytes, "protocolViolation");
    expectSameMessage(decoded, fromBinary(schema, bytes));
    expectSame(toBinary(schema, decoded), bytes);
  }
});

test.each(SCHEMAS)("$typeName of two halves is merged as protobuf-es does", (schema) => {
  const random = new Prng(schema.typeName.length);
  for (let round = 0; round < ROUNDS; round++) {
    const halves = [1, 2].map(() => toBinary(schema, create(schema, randomInit(random, schema))));
    const bytes = joinParts(halves);
    const decoded = decodeMessage(schema, bytes, "protocolViolation");
    expectSameMessage(decoded, fromBinary(schema, bytes));
  }
});

test.each(SCHEMAS)("$typeName that is damaged is refused or another message", (schema) => {
  const random = new Prng(schema.typeName.length);
  let refusals = 0;
  for (let round = 0; round < 10 * ROUNDS; round++) {
    const bytes = damaged(random, toBinary(schema, create(schema, randomInit(random, schema))));
    try {
      const decoded = decodeMessage(schema, bytes, "protocolViolation");
      // What was accepted is a message like any other.
      const again = joinParts(encodeMessage(schema, decoded));
      expectSameMessage(decodeMessage(schema, again, "protocolViolation"), decoded);
    } catch (error) {
      if (!(error instanceof CairnError)) throw error;
      expect(error.reason).toBe("protocolViolation");
      refusals += 1;
    }
  }
  expect(refusals).toBeGreaterThan(0);
});

/** Cut, changed in places, with bytes put in or taken out; or nothing but noise. */
function damaged(random: Prng, bytes: Uint8Array): Uint8Array {
  if (bytes.byteLength === 0 || random.next() < 0.1) return random.bytes(randomBelow(random, 40));
  const at = randomBelow(random, Math.min(bytes.byteLength, 300));
  switch (randomBelow(random, 4)) {
    case 0:
      return bytes.subarray(0, at);
    case 1:
      return joinParts([bytes.subarray(0, at), random.bytes(1), bytes.subarray(at)]);
    case 2:
      return joinParts([bytes.subarray(0, at), bytes.subarray(at + 1)]);
    default: {
      const changed = bytes.slice();
      for (let times = randomBelow(random, 3); times >= 0; times--) {
        changed[randomBelow(random, Math.min(bytes.byteLength, 300))] = randomBelow(random, 256);
      }
      return changed;
    }
  }
}

/** `toEqual` compares typed arrays element by element, which takes long. */
function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  if (Buffer.compare(actual, expected) !== 0) expect(actual).toEqual(expected);
}

function expectSameMessage(actual: unknown, expected: unknown): void {
  const [given, wanted] = [textOf(actual), textOf(expected)];
  if (given !== wanted) expect(given).toBe(wanted);
}

/** Everything that is in a message; a field that is undefined is none, and the order of fields does not count. */
function textOf(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return Buffer.from(value).toString("base64");
  if (Array.isArray(value)) return `[${value.map(textOf).join()}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return `{${fields.map(([name, field]) => `${name}:${textOf(field)}`).sort()}}`;
}
