import type { CheckEvent, CheckFinding } from "@cairnfs/client/check-cluster";
import type { Command } from "commander";
import { type ClusterFlags, clusterFlags, type Session, withCluster } from "../cluster-command.ts";
import type { CommandHost } from "../command.ts";
import type { ExitCode } from "../exit-codes.ts";
import { CommandFailure } from "../failure.ts";
import { counted, humanCount, showName } from "../format.ts";
import { parseClusterPath } from "../path-spec.ts";

interface FsckFlags extends ClusterFlags {
  readonly repair?: boolean;
  readonly quiet?: boolean;
}

export function define(command: Command, host: CommandHost): void {
  const { context } = host;
  command
    .description(
      "Check that all records agree with each other and with what nodes hold, while the cluster is in use. Exit code 0: all is well, 12: what was not is mended, 11: something is still not well.",
    )
    .argument("[path]", "only whether the files at or below this path can be read")
    .option("--repair", "mend what can be mended, in the whole cluster")
    .option("-q, --quiet", "no progress and no summary");
  clusterFlags(command)
    .addHelpText(
      "after",
      `
Examples:
  cairn fsck                  tell what is wrong
  cairn fsck --repair         and mend it
  cairn fsck /photos          can everything there be read?
  cairn fsck --json | jq -r 'select(.severity == "lost") | .subject'`,
    )
    .action(async (path: string | undefined, flags: FsckFlags) => {
      if (path !== undefined && flags.repair === true) {
        throw new CommandFailure(
          "usage",
          "--repair is for the whole cluster: with a path nothing is mended",
          "`cairn fsck --repair` mends what can be mended",
        );
      }
      const asked = path === undefined ? undefined : parseClusterPath(path);
      await withCluster(context, flags, async (session) => {
        host.finishWith(await check(session, asked, flags));
      });
    });
}

async function check(
  session: Session,
  path: string | undefined,
  { repair, quiet }: FsckFlags,
): Promise<ExitCode> {
  const { client, output, signal } = session;
  const screen = new StageLine(session, quiet !== true);
  let findings = 0;
  let mended = 0;
  /** The way to mend is told once for each kind. */
  const explained = new Set<string>();
  for await (const event of client.check({ path, repair, signal })) {
    if (event.type === "progress") {
      screen.show(event);
      continue;
    }
    if (output.isJson) await output.json(event);
    if (event.type === "summary") {
      screen.wipe();
      continue;
    }
    findings += 1;
    mended += Number(event.outcome === "mended");
    if (output.isJson) continue;
    screen.wipe();
    await output.line(line(event));
    if (event.outcome === "mended" || explained.has(event.kind)) continue;
    explained.add(event.kind);
    await output.line(`    ${advice(event)}`);
  }
  screen.wipe();
  if (!output.isJson) output.remark(summary(findings, mended));
  if (findings === 0) return "ok";
  return mended === findings ? "mended" : "unhealthy";
}

function line({ severity, kind, subject, message, outcome }: CheckFinding): string {
  const end = outcome === "told" ? "" : outcome === "mended" ? " [mended]" : " [has changed]";
  return `${severity} ${kind}: ${showName(subject)}: ${showName(message)}${end}`;
}

function advice({ isMendable, outcome, mending }: CheckFinding): string {
  if (outcome === "changed") return "run the check again";
  return isMendable ? `--repair ${mending}` : mending;
}

function summary(findings: number, mended: number): string {
  if (findings === 0) return "all is well";
  const left = findings - mended;
  if (left === 0) return `${counted(findings, "finding")}, all mended`;
  return mended === 0
    ? counted(findings, "finding")
    : `${counted(findings, "finding")}, ${humanCount(mended)} mended`;
}

/** One line on a terminal that says how far the check is. */
class StageLine {
  readonly #session: Session;
  readonly #isWanted: boolean;
  #isShown = false;

  constructor(session: Session, isWanted: boolean) {
    this.#session = session;
    this.#isWanted = isWanted;
  }

  show(event: Extract<CheckEvent, { readonly type: "progress" }>): void {
    const { context, output } = this.#session;
    const { stderr } = context;
    if (!this.#isWanted || stderr.isTTY !== true || output.isJson) return;
    const { stage, stagesDone, stages, rows } = event;
    stderr.write(`\r\u001b[2K${stagesDone + 1}/${stages} ${stage}  ${counted(rows, "row")}`);
    this.#isShown = true;
  }

  wipe(): void {
    if (this.#isShown) this.#session.context.stderr.write("\r\u001b[2K");
    this.#isShown = false;
  }
}
