import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  CoordinatorService,
  GetNodeTableRequestSchema,
  GetNodeTableResponseSchema,
} from "../gen/cairn/v1/coordinator_pb.ts";
import { encodeMessage, joinParts } from "./codec.ts";
import { createRouter } from "./create-router.ts";
import { encodedMessage } from "./encoded-message.ts";
import type { ServiceHandlers } from "./service.ts";

test("an answer that was encoded before is sent as it is, without a copy", async () => {
  const parts = [new Uint8Array([0x12, 3]), new Uint8Array([7, 8, 9])];
  const handlers: Pick<ServiceHandlers<typeof CoordinatorService>, "getNodeTable"> = {
    getNodeTable: async () => encodedMessage(GetNodeTableResponseSchema, parts),
  };
  const others = Object.fromEntries(
    CoordinatorService.methods.map((method) => [method.localName, () => undefined]),
  );
  const router = createRouter()
    // The others are never called.
    .add(CoordinatorService, { ...others, ...handlers } as ServiceHandlers<
      typeof CoordinatorService
    >)
    .build();
  const route = router.find("/cairn.v1.CoordinatorService/GetNodeTable");
  if (route?.kind !== "unary") throw new Error("the method answers once");
  const request = encodeMessage(GetNodeTableRequestSchema, create(GetNodeTableRequestSchema));
  const call = { signal: new AbortController().signal, peer: "test", metadata: new Map() };
  expect(await route.unary(joinParts(request), call)).toBe(parts);
  expect(joinParts(parts)).toEqual(
    joinParts(encodeMessage(GetNodeTableResponseSchema, { clusterId: new Uint8Array([7, 8, 9]) })),
  );
});
