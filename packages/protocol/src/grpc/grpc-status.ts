import { CairnError, Code } from "@cairnfs/base/errors";
import { Metadata as GrpcMetadata, type StatusObject } from "@grpc/grpc-js";
import { MESSAGE_BYTES_MAX, METADATA_BYTES_MAX } from "../rpc/limits.ts";
import type { Metadata } from "../rpc/service.ts";
import { errorFromStatus, statusOf } from "../rpc/status.ts";

/** The trailer that an encoded cairn.v1.ErrorDetail travels in. */
const ERROR_TRAILER = "cairn-error-bin";

/** The limits of a channel and of a server, the same as on our other transports. */
export const CHANNEL_OPTIONS = {
  "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
  "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
  "grpc.max_metadata_size": METADATA_BYTES_MAX,
} as const;

/** The status of gRPC for an error, with what our own clients need in a trailer. */
export function grpcStatusOf(
  error: CairnError,
): Pick<StatusObject, "code" | "details" | "metadata"> {
  const { code, message, detail } = statusOf(error);
  const metadata = new GrpcMetadata();
  metadata.set(ERROR_TRAILER, Buffer.from(detail));
  return { code, details: message, metadata };
}

/** The typed error behind a failed call; `isConnected` tells a broken connection from one that was never made. */
export function errorFromGrpc(
  failure: Pick<StatusObject, "code" | "details" | "metadata">,
  isConnected: boolean,
): CairnError {
  const [trailer] = failure.metadata.get(ERROR_TRAILER);
  const detail = Buffer.isBuffer(trailer) ? trailer : Buffer.alloc(0);
  const error = errorFromStatus({ code: failure.code, message: failure.details, detail });
  if (failure.code === Code.unavailable && detail.byteLength === 0 && !isConnected) {
    return new CairnError("unreachable", error.message);
  }
  return error;
}

export function toGrpcMetadata(metadata: Metadata): GrpcMetadata {
  const converted = new GrpcMetadata();
  for (const [name, value] of metadata) converted.set(name, value);
  return converted;
}

/** What is text in the metadata of a call; of several values with one name the first. */
export function fromGrpcMetadata(metadata: GrpcMetadata): Metadata {
  const converted = new Map<string, string>();
  for (const [name, value] of Object.entries(metadata.getMap())) {
    if (typeof value === "string") converted.set(name, value);
  }
  return converted;
}
