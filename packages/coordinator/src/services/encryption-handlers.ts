import { createHmac } from "node:crypto";
import { CairnError } from "@cairnfs/base/errors";
import type { EncryptionService } from "@cairnfs/protocol/gen/cairn/v1/encryption_pb";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";

const LABEL = "cairnfs master key";
/** Each number is a key of its own; so far there was reason for one. */
const NEWEST = 1;

export type EncryptionHandlers = ServiceHandlers<typeof EncryptionService>;

/** Answers what doors ask of the keys that they encrypt with. Whoever has the metadata store has them too. */
export function encryptionHandlers({
  clusterSecret,
}: {
  readonly clusterSecret: Uint8Array;
}): EncryptionHandlers {
  return {
    async getMasterKey({ number: asked }) {
      const number = asked === 0 ? NEWEST : asked;
      if (number > NEWEST) {
        throw new CairnError(
          "invalidArgument",
          `there is no master key ${number}: the newest is ${NEWEST}`,
          { details: { number } },
        );
      }
      return { number, key: masterKey(clusterSecret, number) };
    },
  };
}

function masterKey(clusterSecret: Uint8Array, number: number): Uint8Array {
  const numberBytes = Buffer.alloc(4);
  numberBytes.writeUInt32BE(number);
  return createHmac("sha256", clusterSecret).update(LABEL).update(numberBytes).digest();
}
