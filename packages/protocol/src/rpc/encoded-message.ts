import type { DescMessage, MessageInitShape } from "@bufbuild/protobuf";
import type { MessageParts } from "./transport.ts";

/** A message that was encoded before. */
export class EncodedMessage {
  readonly parts: MessageParts;

  constructor(parts: MessageParts) {
    this.parts = parts;
  }
}

/**
 * What a handler answers with in place of a message of `schema`: `parts` are sent as they are, not copied and not checked. So
 * bytes that go to many are made once. They must never change.
 */
export function encodedMessage<D extends DescMessage>(
  _schema: D,
  parts: MessageParts,
): MessageInitShape<D> {
  // The router, which is all that looks at answers, asks for the class first.
  return new EncodedMessage(parts) as unknown as MessageInitShape<D>;
}
