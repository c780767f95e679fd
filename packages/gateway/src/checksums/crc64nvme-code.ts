/**
 * The WebAssembly that computes CRC-64/NVME, assembled here so that nothing binary has to be kept.
 *
 * Memory: 16 tables of 256 little-endian words at 0 (32 KiB), the input from INPUT_OFFSET on.
 * Exports: `memory` and `update(crc: i64, lengthBytes: i32) -> i64` over the input.
 */
export const INPUT_OFFSET = 32 * 1024;
export const INPUT_BYTES_MAX = 96 * 1024;

const I32 = 0x7f;
const I64 = 0x7e;
const op = {
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  end: [0x0b],
  add32: [0x6a],
  sub32: [0x6b],
  lessUnsigned32: [0x49],
  wrap: [0xa7],
  extendUnsigned: [0xad],
  xor: [0x85],
  and32: [0x71],
  shiftLeft: [0x86],
  shiftRightUnsigned: [0x88],
};
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const branch = (depth: number) => [0x0c, depth];
const branchIf = (depth: number) => [0x0d, depth];
const const32 = (value: number) => [0x41, ...signed(value)];
const const64 = (value: number) => [0x42, ...signed(value)];
const load64 = (offset: number) => [0x29, 0, ...unsigned(offset)];
const load8 = (offset: number) => [0x2d, 0, ...unsigned(offset)];

const CRC = 0;
const LEFT = 1;
const AT = 2;
const LOW = 3;
const HIGH = 4;
const TABLE_BYTES = 2048;

/** The module's bytes. */
export function crc64Module(): Uint8Array<ArrayBuffer> {
  const types = section(1, vector([[0x60, ...vector([[I64], [I32]]), ...vector([[I64]])]]));
  const functions = section(3, vector([[0]]));
  const memory = section(5, vector([[0x00, 2]]));
  const exported = section(
    7,
    vector([
      [...name("memory"), 0x02, 0],
      [...name("update"), 0x00, 0],
    ]),
  );
  const locals = vector([
    [1, I32],
    [2, I64],
  ]);
  const body = [...locals, ...update(), ...op.end];
  const code = section(10, vector([[...unsigned(body.length), ...body]]));
  const magic = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
  return Uint8Array.from([...magic, ...types, ...functions, ...memory, ...exported, ...code]);
}

function update(): number[] {
  return [
    ...whileAtLeast(16, [
      ...get(AT),
      ...load64(INPUT_OFFSET),
      ...get(CRC),
      ...op.xor,
      ...set(LOW),
      ...get(AT),
      ...load64(INPUT_OFFSET + 8),
      ...set(HIGH),
      ...lookup(LOW, 0, 15),
      ...[1, 2, 3, 4, 5, 6, 7].flatMap((byte) => [...lookup(LOW, byte, 15 - byte), ...op.xor]),
      ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((byte) => [...lookup(HIGH, byte, 7 - byte), ...op.xor]),
      ...set(CRC),
    ]),
    ...whileAtLeast(1, [
      // The table's word for the byte, and what is left of the value.
      ...get(CRC),
      ...get(AT),
      ...load8(INPUT_OFFSET),
      ...op.extendUnsigned,
      ...op.xor,
      ...set(LOW),
      ...lookup(LOW, 0, 0),
      ...get(CRC),
      ...const64(8),
      ...op.shiftRightUnsigned,
      ...op.xor,
      ...set(CRC),
    ]),
    ...get(CRC),
  ];
}

function whileAtLeast(stepBytes: number, body: readonly number[]): number[] {
  return [
    ...op.block,
    ...op.loop,
    ...get(LEFT),
    ...const32(stepBytes),
    ...op.lessUnsigned32,
    ...branchIf(1),
    ...body,
    ...get(AT),
    ...const32(stepBytes),
    ...op.add32,
    ...set(AT),
    ...get(LEFT),
    ...const32(stepBytes),
    ...op.sub32,
    ...set(LEFT),
    ...branch(0),
    ...op.end,
    ...op.end,
  ];
}

/** The word of a table for one byte of a local: its number times eight is where it is in the table. */
function lookup(local: number, byte: number, table: number): number[] {
  const shift =
    byte === 0
      ? [...const64(3), ...op.shiftLeft]
      : [...const64(8 * byte - 3), ...op.shiftRightUnsigned];
  return [
    ...get(local),
    ...shift,
    ...op.wrap,
    ...const32(0x7f8),
    ...op.and32,
    ...load64(table * TABLE_BYTES),
  ];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content];
}

function vector(items: readonly (readonly number[])[]): number[] {
  return [...unsigned(items.length), ...items.flat()];
}

function name(text: string): number[] {
  return [...unsigned(text.length), ...Buffer.from(text)];
}

/** LEB128. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

/** LEB128 of a number that is not negative, with room for the sign. */
function signed(value: number): number[] {
  const bytes = unsigned(value);
  const last = bytes.at(-1) ?? 0;
  if ((last & 0x40) === 0) return bytes;
  return [...bytes.slice(0, -1), last | 0x80, 0];
}
