import type { CairnClient } from "@cairnfs/client";
import { expect } from "vitest";

/** A check of everything finds nothing lost and nothing wrong; room that is still to be reclaimed may be there. */
export async function expectSound(client: CairnClient): Promise<void> {
  const found: string[] = [];
  for await (const event of client.check()) {
    if (event.type !== "finding" || event.severity === "waste") continue;
    found.push(`${event.severity}: ${event.kind}: ${event.message}`);
  }
  expect(found).toEqual([]);
}
