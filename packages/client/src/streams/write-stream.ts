import { Writable } from "node:stream";
import type { SequentialWriter } from "../fs/sequential-writer.ts";

/**
 * A Node stream into a file. The file is there, whole and durable, when the stream has finished; a stream that is
 * destroyed before leaves the path as it was. Opens at once, so that errors come early.
 */
export function writeStream(open: () => Promise<SequentialWriter>): Writable {
  let writer: SequentialWriter | undefined;
  const settle = (work: Promise<void>, done: (error?: Error | null) => void) => {
    work.then(
      () => done(),
      (error: unknown) => done(asError(error)),
    );
  };
  return new Writable({
    decodeStrings: true,
    highWaterMark: 1024 * 1024,
    construct: (done) => {
      const opening = open().then((opened) => {
        writer = opened;
      });
      settle(opening, done);
    },
    write: (chunk: Uint8Array, _encoding, done) => {
      settle(writer?.write(chunk) ?? Promise.resolve(), done);
    },
    final: (done) => {
      settle(writer?.flush() ?? Promise.resolve(), done);
    },
    destroy: (error, done) => {
      const reason = error ?? new Error("the stream was destroyed");
      settle(writer?.abort(reason) ?? Promise.resolve(), (failure) =>
        done(error ?? failure ?? null),
      );
    },
  });
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
