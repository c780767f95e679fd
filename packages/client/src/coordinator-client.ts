import { AccessService } from "@cairnfs/protocol/gen/cairn/v1/access_pb";
import { BucketService } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { CheckService } from "@cairnfs/protocol/gen/cairn/v1/check_pb";
import { CoordinatorService } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { EncryptionService } from "@cairnfs/protocol/gen/cairn/v1/encryption_pb";
import { MultipartService } from "@cairnfs/protocol/gen/cairn/v1/multipart_pb";
import { NodeService } from "@cairnfs/protocol/gen/cairn/v1/nodes_pb";
import { ObjectService } from "@cairnfs/protocol/gen/cairn/v1/objects_pb";
import { RedundancyService } from "@cairnfs/protocol/gen/cairn/v1/redundancy_pb";
import { ScrubService } from "@cairnfs/protocol/gen/cairn/v1/scrub_pb";
import { TrashService } from "@cairnfs/protocol/gen/cairn/v1/trash_pb";
import type { ServiceClient } from "@cairnfs/protocol/rpc/client";
import { type ClientOptions, createClient } from "@cairnfs/protocol/rpc/create-client";
import type { ClientTransport } from "@cairnfs/protocol/rpc/transport";

/** The services that a coordinator offers beside the one of its name. */
export interface SmallServices {
  readonly nodes: ServiceClient<typeof NodeService>;
  readonly scrubs: ServiceClient<typeof ScrubService>;
  readonly redundancy: ServiceClient<typeof RedundancyService>;
  readonly trash: ServiceClient<typeof TrashService>;
  readonly check: ServiceClient<typeof CheckService>;
  readonly objects: ServiceClient<typeof ObjectService>;
  readonly buckets: ServiceClient<typeof BucketService>;
  readonly multiparts: ServiceClient<typeof MultipartService>;
  readonly access: ServiceClient<typeof AccessService>;
  readonly encryption: ServiceClient<typeof EncryptionService>;
}

/** Everything that one coordinator can be asked. */
export type CoordinatorClient = ServiceClient<typeof CoordinatorService> & SmallServices;

/** The services of the coordinator behind `transport`. */
export function coordinatorClient(
  transport: ClientTransport,
  options: ClientOptions,
): CoordinatorClient {
  return {
    ...createClient(CoordinatorService, transport, options),
    nodes: createClient(NodeService, transport, options),
    scrubs: createClient(ScrubService, transport, options),
    redundancy: createClient(RedundancyService, transport, options),
    trash: createClient(TrashService, transport, options),
    check: createClient(CheckService, transport, options),
    objects: createClient(ObjectService, transport, options),
    buckets: createClient(BucketService, transport, options),
    multiparts: createClient(MultipartService, transport, options),
    access: createClient(AccessService, transport, options),
    encryption: createClient(EncryptionService, transport, options),
  };
}
