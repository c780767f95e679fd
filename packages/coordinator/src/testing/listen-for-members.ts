import { CairnError } from "@cairnfs/base/errors";
import { Prng } from "@cairnfs/base/random";
import { CoordinatorService } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { createRouter } from "@cairnfs/protocol/rpc/create-router";
import type { Network } from "@cairnfs/protocol/rpc/network";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import { openIdentity } from "../identity.ts";
import { ResyncAllowance } from "../nodes/resync-allowance.ts";
import type { TestManager } from "../nodes/testing/manager.ts";
import { membershipHandlers } from "../services/membership-handlers.ts";

/** Listens at `address` as a coordinator that only takes registrations and heartbeats, and refuses all else. */
export async function listenForMembers(
  network: Network,
  address: string,
  membership: TestManager,
): Promise<void> {
  const { clusterId } = await openIdentity(membership.kv, new Prng(2));
  const handlers = membershipHandlers({
    manager: membership.manager,
    allowance: new ResyncAllowance(membership.clock, 1e6),
    clusterId,
    heartbeatIntervalMs: 3000,
    rowsPerAnswerMax: 256,
  });
  const refuse = () => {
    throw new CairnError("unimplemented", "membership only");
  };
  // Whatever handler is asked for, the proxy has one.
  const all = new Proxy(handlers, {
    get: (target, name) => Reflect.get(target, name) ?? refuse,
  }) as ServiceHandlers<typeof CoordinatorService>;
  await network.listen(address, createRouter().add(CoordinatorService, all).build());
}
