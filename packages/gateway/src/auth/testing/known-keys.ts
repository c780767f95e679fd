import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { CairnError } from "@cairnfs/client";
import type { FoundAccessKey } from "@cairnfs/client/access";
import { gatewaySettings } from "../../config.ts";
import type { AuthenticationParts } from "../authenticate.ts";
import { KeyCache } from "../key-cache.ts";
import { SigningKeys } from "../signing-keys.ts";

export const EXAMPLE_KEY = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
} as const;

/** A key as the cluster has it. */
export function foundKey(
  pair: { readonly accessKeyId: string; readonly secretKey: string },
  key: Partial<FoundAccessKey["key"]> = {},
): FoundAccessKey {
  const { accessKeyId, secretKey } = pair;
  return {
    key: {
      accessKeyId,
      userName: "alice",
      createdMs: 1,
      isDisabled: false,
      description: "",
      expiresMs: undefined,
      ...key,
    },
    secretKey,
    user: {
      userId: "a".repeat(64),
      name: "alice",
      createdMs: 1,
      isRoot: false,
      email: undefined,
      policies: {},
    },
  };
}

/** What verifies requests at a time, and knows some keys. */
export function authenticationParts(
  nowMs: number,
  keys: readonly FoundAccessKey[] = [foundKey(EXAMPLE_KEY)],
  region = "us-east-1",
): AuthenticationParts & { readonly clock: SimClock } {
  const clock = new SimClock(nowMs);
  const source = {
    findKey: async (accessKeyId: string) => {
      const found = keys.find(({ key }) => key.accessKeyId === accessKeyId);
      if (found === undefined) throw new CairnError("accessKeyNotFound", "there is none");
      return found;
    },
  };
  return {
    clock,
    config: gatewaySettings.parse({ region }),
    keys: new KeyCache(source, clock),
    signingKeys: new SigningKeys(),
  };
}
