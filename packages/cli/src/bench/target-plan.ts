import type { Clock } from "@cairnfs/base/clock";
import { connect } from "@cairnfs/client/client";
import { CairnTarget } from "./cairn-target.ts";
import type { S3Access } from "./s3/s3-client.ts";
import { S3Client } from "./s3/s3-client.ts";
import { S3Target } from "./s3/s3-target.ts";
import type { BenchTarget } from "./target.ts";

/** How a process reaches the target of a run; all processes of a run share the place `top`. */
export type TargetPlan =
  | { readonly kind: "cairn"; readonly coordinators: readonly string[]; readonly top: string }
  | {
      readonly kind: "s3";
      readonly access: S3Access;
      readonly bucket: string;
      readonly top: string;
    };

/** A target and the connections it holds. */
export interface OpenedTarget {
  readonly target: BenchTarget;
  close(): Promise<void>;
}

/** Connects to a target that has been prepared. */
export async function openTarget(
  plan: TargetPlan,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<OpenedTarget> {
  if (plan.kind === "s3") {
    const client = new S3Client(plan.access, clock);
    const target = new S3Target(client, plan.bucket, plan.top);
    return { target, close: async () => client.close() };
  }
  const client = await connect({ coordinator: plan.coordinators, clock, signal });
  return { target: new CairnTarget(client, plan.top), close: () => client.close() };
}
