import { once } from "node:events";
import { deadlineAfter } from "@cairnfs/base/clock";
import { SystemRandom } from "@cairnfs/base/random";
import type { Context } from "../context.ts";
import { exitNumber } from "../failure.ts";
import { VERSION } from "../version.ts";
import type { ProcessSettings } from "./process-settings.ts";
import type { RootKey, RunningServer, ServerParts } from "./server-parts.ts";
import { openTelemetry, type ProcessTelemetry } from "./telemetry.ts";

/** How long closing may take before the process ends anyway; what was acknowledged is durable already. */
const CLOSE_TIMEOUT_MS = 15_000;

interface ServerRun {
  readonly role: "coordinator" | "datanode" | "gateway";
  readonly settings: ProcessSettings;
  readonly json: boolean;
  open(parts: ServerParts): Promise<RunningServer>;
}

/** Opens a server, prints where it is on stdout, and resolves after a signal has ended it in order. */
export async function runServer(context: Context, run: ServerRun): Promise<void> {
  const { clock, stdout } = context;
  const telemetry = openTelemetry({ ...run.settings, role: run.role }, clock);
  const { logger } = telemetry;
  endOnBugs(telemetry);
  const server = await run.open({ clock, random: new SystemRandom(), telemetry });
  const { address, grpcAddress, httpAddress, rootKey } = server;
  const where = { address, grpcAddress, httpAddress };
  logger.info("ready", { ...where, pid: process.pid, version: VERSION });
  stdout.write(
    run.json
      ? `${JSON.stringify({ event: "ready", role: run.role, ...where, pid: process.pid, version: VERSION, rootKey })}\n`
      : `${readyLine(run.role, where)}\n${rootKeyText(rootKey)}`,
  );
  await stopAsked(context.signal);
  logger.info("stopping");
  await closeInTime(context, server, telemetry);
  logger.info("stopped");
}

/** Resolves when the process is to end. A timer keeps it alive until then, whatever else it has open. */
export async function stopAsked(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

/** Closes; when that takes too long it says so and goes on. */
export async function closeInTime(
  { clock }: Context,
  server: { close(): Promise<void> },
  { logger }: ProcessTelemetry,
): Promise<void> {
  const deadline = deadlineAfter(clock, CLOSE_TIMEOUT_MS);
  const late = new Promise<void>((resolve) => {
    deadline.signal.addEventListener("abort", () => {
      logger.warn("closing took too long", { timeoutMs: CLOSE_TIMEOUT_MS });
      resolve();
    });
  });
  await Promise.race([server.close(), late]);
  deadline.release();
}

/** A wrong state must be loud: the process goes down with a line that says why, rather than on. */
export function endOnBugs({ logger }: ProcessTelemetry): void {
  const end = (error: unknown) => {
    logger.error("a bug ends the process", {}, error);
    process.exit(exitNumber("bug"));
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
}

/** A key that was just made, as whoever reads the terminal is told it, this once; empty without one. */
export function rootKeyText(key: RootKey | undefined): string {
  if (key === undefined) return "";
  return `
The first access key, of the root user, which is shown this once; \`cairn key create\` makes more:

  export AWS_ACCESS_KEY_ID=${key.accessKeyId}
  export AWS_SECRET_ACCESS_KEY=${key.secretKey}

`;
}

function readyLine(
  role: string,
  where: Readonly<Record<"address" | "grpcAddress" | "httpAddress", string | undefined>>,
): string {
  const also = [
    where.grpcAddress === undefined ? "" : `gRPC on ${where.grpcAddress}`,
    where.httpAddress === undefined ? "" : `metrics on http://${where.httpAddress}/metrics`,
  ].filter((part) => part !== "");
  return `${role} ready on ${where.address}${also.length > 0 ? `, ${also.join(", ")}` : ""}`;
}
