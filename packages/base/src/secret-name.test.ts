import { expect, test } from "vitest";
import { isSecretName } from "./secret-name.ts";

test.each([
  "secret",
  "clusterSecret",
  "receiptKey",
  "receipt_key",
  "key",
  "joinToken",
  "CAIRN_JOIN_TOKEN",
  "password",
  "authorization",
])("%s is the name of a secret", (name) => {
  expect(isSecretName(name)).toBe(true);
});

test.each(["chunkId", "sortKey", "tokensPerSecond", "path", "keyCount", "requestId", "sessionId"])(
  "%s may be shown",
  (name) => {
    expect(isSecretName(name)).toBe(false);
  },
);
