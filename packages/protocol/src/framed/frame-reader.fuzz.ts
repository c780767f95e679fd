import { Prng, randomBelow } from "@cairnfs/base/random";
import { expect, test } from "vitest";
import { receiveBuffers } from "../rpc/receive-buffers.ts";
import { encodeFrameHeader, type Frame, takeBytes } from "./frame.ts";
import { FrameReader } from "./frame-reader.ts";

interface Seen {
  readonly streamId: number;
  readonly type: number;
  readonly flags: number;
  readonly body: Uint8Array;
}

/** Feeds `bytes` as a socket would, in pieces of any size. */
function feed(reader: FrameReader, bytes: Buffer, random: Prng): void {
  for (let at = 0; at < bytes.byteLength; ) {
    const room = reader.room();
    expect(room.byteLength).toBeGreaterThan(0);
    const pieceBytes = 1 + randomBelow(random, random.next() < 0.5 ? 40 : 100_000);
    const sizeBytes = Math.min(room.byteLength, bytes.byteLength - at, pieceBytes);
    room.set(bytes.subarray(at, at + sizeBytes));
    reader.received(sizeBytes);
    at += sizeBytes;
  }
}

test.each([11, 12, 13, 14, 15, 16])(
  "however the bytes are cut, the same frames come out and stay as they were (seed %i)",
  (seed) => {
    const random = new Prng(seed);
    const sent: Seen[] = [];
    const wire: Buffer[] = [];
    for (let index = 0; index < 60; index++) {
      const body = random.bytes(randomBelow(random, index % 9 === 0 ? 300_000 : 3_000));
      const frame = { streamId: index, type: randomBelow(random, 255), flags: index % 4, body };
      sent.push(frame);
      wire.push(encodeFrameHeader({ ...frame, bodyBytes: body.byteLength }), Buffer.from(body));
    }
    const seen: Seen[] = [];
    const reader = new FrameReader(
      {
        onFrame: (frame: Frame) => {
          const { streamId, type, flags } = frame;
          seen.push({ streamId, type, flags, body: takeBytes(frame, frame.start) });
        },
        onViolation: (error) => {
          throw error;
        },
      },
      receiveBuffers,
    );
    reader.allowLongFrames();
    feed(reader, Buffer.concat(wire), random);
    expect(reader.isInFrame).toBe(false);
    expect(seen.length).toBe(sent.length);
    for (const [index, frame] of sent.entries()) {
      const got = seen[index];
      expect({ ...got, body: undefined }).toEqual({ ...frame, body: undefined });
      expect(Buffer.compare(got?.body ?? Buffer.alloc(0), frame.body)).toBe(0);
    }
  },
);

test("readers whose bytes come in turns do not mix them up", () => {
  const random = new Prng(31);
  const readers = Array.from({ length: 5 }, (_, id) => {
    const bodies: Uint8Array[] = [];
    const events = {
      onFrame: (frame: Frame) => bodies.push(takeBytes(frame, frame.start)),
      onViolation: (error: Error) => {
        throw error;
      },
    };
    const sent = Array.from({ length: 40 }, () => random.bytes(randomBelow(random, 3_000)));
    const wire = sent.flatMap((body) => {
      const frame = { streamId: id, type: 1, flags: 0, bodyBytes: body.byteLength };
      return [encodeFrameHeader(frame), Buffer.from(body)];
    });
    const reader = new FrameReader(events, receiveBuffers);
    reader.allowLongFrames();
    return {
      reader,
      bodies,
      sent,
      rest: Buffer.concat(wire),
    };
  });
  while (readers.some(({ rest }) => rest.byteLength > 0)) {
    for (const each of readers) {
      const pieceBytes = 1 + randomBelow(random, random.next() < 0.5 ? 40 : 9_000);
      feed(each.reader, each.rest.subarray(0, pieceBytes), random);
      each.rest = each.rest.subarray(pieceBytes);
    }
  }
  for (const { bodies, sent } of readers) {
    expect(bodies.length).toBe(sent.length);
    for (const [at, body] of sent.entries()) {
      expect(Buffer.compare(bodies[at] ?? Buffer.alloc(0), body)).toBe(0);
    }
  }
});

test.each([21, 22, 23, 24])("random bytes end in a refusal, never in a crash (seed %i)", (seed) => {
  const random = new Prng(seed);
  let refused = 0;
  const reader = new FrameReader(
    {
      onFrame: () => undefined,
      onViolation: () => {
        refused += 1;
      },
    },
    receiveBuffers,
  );
  feed(reader, Buffer.from(random.bytes(100_000)), random);
  expect(refused).toBe(1);
});
