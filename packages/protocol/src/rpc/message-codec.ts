import type { Message } from "@bufbuild/protobuf";
import type { WireReader } from "./wire-reader.ts";
import type { WireWriter } from "./wire-writer.ts";

/** How messages of one type are written and read. What `write` takes is the type's MessageInitShape. */
export interface MessageCodec {
  write(writer: WireWriter, message: never): void;
  /** Reads up to `end`, into a new message. */
  read(reader: WireReader, end: number): Message;
}
