import { describe, expect, test } from "vitest";
import { describeEndings } from "./endings.contract.ts";
import type { Network } from "./network.ts";
import { describeStreams } from "./streams.contract.ts";
import { EchoPair } from "./testing/echo-pair.ts";
import { failureOf } from "./testing/traffic.ts";
import { describeUnaryCalls } from "./unary.contract.ts";

export interface NetworkUnderTest {
  /** Where to listen, on a port that is free. */
  readonly address: string;
  /** Whether a handler can tell requests that were cut off from requests that are complete; unless it is so, say why. */
  readonly cutRequestsLookComplete?: string;
}

/** What every transport promises to callers and handlers, whatever carries the bytes. */
export function describeNetwork(
  name: string,
  open: () => Network,
  { address, cutRequestsLookComplete }: NetworkUnderTest,
): void {
  const openPair = () => EchoPair.open(open(), address);
  describe(`calls over ${name}`, { timeout: 20_000 }, () => {
    describeUnaryCalls(openPair);
    describeStreams(openPair, cutRequestsLookComplete === undefined);
    describeEndings(openPair);

    test("an address that is taken is refused as invalidConfig", async () => {
      const pair = await openPair();
      const again = pair.network.listen(pair.listener.address, pair.echo.router());
      expect((await failureOf(again)).reason).toBe("invalidConfig");
      await pair.close();
    });
  });
}
