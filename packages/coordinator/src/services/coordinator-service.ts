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
import { createRouter } from "@cairnfs/protocol/rpc/create-router";
import type { ServerInterceptor } from "@cairnfs/protocol/rpc/interceptor";
import type { Router } from "@cairnfs/protocol/rpc/router";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import type { AccessHandlers } from "../access/access-handlers.ts";
import { type ClusterStateParts, clusterState } from "../cluster-state.ts";
import type { MultipartHandlers } from "../multipart/multipart-handlers.ts";
import type { BucketHandlers } from "./bucket-handlers.ts";
import type { CheckHandlers } from "./check-handlers.ts";
import type { EncryptionHandlers } from "./encryption-handlers.ts";
import type { MembershipHandlers } from "./membership-handlers.ts";
import type { ObjectHandlers } from "./object-handlers.ts";
import type { NamespaceService } from "./open-namespace.ts";
import type { RedundancyHandlers } from "./redundancy-handlers.ts";
import type { ScrubHandlers } from "./scrub-handlers.ts";
import type { TrashHandlers } from "./trash-handlers.ts";

export interface CoordinatorServiceParts {
  readonly namespace: NamespaceService["handlers"];
  readonly trash: TrashHandlers;
  readonly buckets: BucketHandlers;
  readonly multiparts: MultipartHandlers;
  readonly objects: ObjectHandlers;
  readonly scrub: ScrubHandlers;
  readonly redundancy: RedundancyHandlers;
  readonly nodes: ServiceHandlers<typeof NodeService>;
  readonly check: CheckHandlers;
  readonly access: AccessHandlers;
  readonly encryption: EncryptionHandlers;
  readonly membership: MembershipHandlers;
  readonly clusterState: ClusterStateParts;
  readonly interceptors: readonly ServerInterceptor[];
}

/** The router of all services of a coordinator. */
export function createCoordinatorRouter(parts: CoordinatorServiceParts): Router {
  return createRouter(parts.interceptors)
    .add(CoordinatorService, {
      ...parts.namespace,
      ...parts.membership,
      getClusterState: () => clusterState(parts.clusterState),
    })
    .add(TrashService, parts.trash)
    .add(BucketService, parts.buckets)
    .add(MultipartService, parts.multiparts)
    .add(ObjectService, parts.objects)
    .add(ScrubService, parts.scrub)
    .add(NodeService, parts.nodes)
    .add(RedundancyService, parts.redundancy)
    .add(CheckService, parts.check)
    .add(AccessService, parts.access)
    .add(EncryptionService, parts.encryption)
    .build();
}
