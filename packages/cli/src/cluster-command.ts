import { deadlineAfter } from "@cairnfs/base/clock";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import { type CairnClient, connect } from "@cairnfs/client/client";
import { type Command, Option } from "commander";
import type { Context } from "./context.ts";
import { findCluster } from "./find-cluster.ts";
import { Output } from "./output.ts";

/** What every command that speaks to a cluster takes. */
export interface ClusterFlags {
  readonly coordinator?: string;
  readonly json?: boolean;
}

export function clusterFlags(command: Command): Command {
  return command
    .addOption(
      new Option("--coordinator <address>", "HOST:PORT of the cluster").helpGroup(
        "Common options:",
      ),
    )
    .addOption(
      new Option("--json", "JSON for scripts: a document, or one a line for lists").helpGroup(
        "Common options:",
      ),
    );
}

/** How long a cluster may take to answer at all; once it has, calls are patient. */
const CONNECT_WITHIN_MS = 2_000;

/** What a command works with. */
export interface Session {
  readonly client: CairnClient;
  readonly output: Output;
  readonly context: Context;
  readonly signal: AbortSignal;
}

/** Connects to the cluster, runs the task and lets go of the cluster, however the task ends. */
export async function withCluster<T>(
  context: Context,
  flags: ClusterFlags & { readonly quiet?: boolean | undefined },
  task: (session: Session) => Promise<T>,
): Promise<T> {
  const client = await connectTo(context, flags.coordinator);
  const { signal } = context;
  try {
    return await task({ client, output: new Output(context, flags), context, signal });
  } finally {
    await client.close();
  }
}

async function connectTo(context: Context, flag: string | undefined): Promise<CairnClient> {
  const { coordinators, origin } = await findCluster(context, flag);
  const { clock } = context;
  const deadline = deadlineAfter(clock, CONNECT_WITHIN_MS, context.signal);
  try {
    return await connect({ coordinator: coordinators, clock, signal: deadline.signal });
  } catch (cause) {
    if (context.signal.aborted || !hasReason(cause, "deadlineExceeded", "unreachable")) throw cause;
    throw new CairnError(
      "unreachable",
      `no coordinator answers at ${coordinators.join(" or ")} (as said by ${origin})`,
      { cause },
    );
  } finally {
    deadline.release();
  }
}
