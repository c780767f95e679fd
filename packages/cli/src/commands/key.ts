import type { KnownKeyPair } from "@cairnfs/client/access";
import type { Command } from "commander";
import { readText } from "../access/read-text.ts";
import { KEY_COLUMNS, keyRow, showNewKey } from "../access/show-key.ts";
import { type ClusterFlags, clusterFlags, type Session, withCluster } from "../cluster-command.ts";
import { type CommandHost, subcommand } from "../command.ts";
import type { Context } from "../context.ts";
import { CommandFailure } from "../failure.ts";
import { parseDurationOption } from "../parse-option.ts";

interface CreateFlags extends ClusterFlags {
  readonly user?: string;
  readonly description?: string;
  readonly expires?: number;
  readonly id?: string;
  readonly secretFile?: string;
}

interface ListFlags extends ClusterFlags {
  readonly user?: string;
}

const SECRET_BYTES_MAX = 1024;
/** So many rows are shown at once: a table has one width for each column. */
const ROWS_SHOWN = 10_000;

export function define(command: Command, host: CommandHost): void {
  const { context } = host;
  const sub = (name: string) => clusterFlags(subcommand(command, host, name));
  command.description(
    "Access keys: what S3 clients prove with that they are a user. A gateway knows of a change within a second.",
  );
  sub("create")
    .description("Make an access key, and show its secret, which is shown this once.")
    .option("-u, --user <name>", "whose; the root user's unless given, who may do everything")
    .option("-d, --description <text>", "what it is for")
    .option(
      "--expires <period>",
      "how long it is good, like 30d; for ever unless given",
      parseDurationOption,
    )
    .option("--id <id>", "a key that was made elsewhere: its id; goes with --secret-file")
    .option("--secret-file <file>", "a file with its secret, or - for stdin")
    .addHelpText(
      "after",
      `
Examples:
  cairn key create --user alice --description laptop
  cairn key create --user ci --expires 12h --json | jq -r .secretKey
  cairn key create --user alice --id OLDKEY --secret-file secret.txt`,
    )
    .action(async (flags: CreateFlags) => {
      const pair = await pairFrom(context, flags);
      const { user, description, expires } = flags;
      await withCluster(context, flags, async ({ client, output, signal }) => {
        const expiresMs = expires === undefined ? undefined : expiryAfter(context, expires);
        const options = { userName: user, pair, description, expiresMs, signal };
        await showNewKey(output, await client.access.createKey(options));
      });
    });
  sub("ls")
    .description("List access keys, without their secrets.")
    .option("-u, --user <name>", "only this user's")
    .addHelpText(
      "after",
      "\nExamples:\n  cairn key ls\n  cairn key ls --user alice --json | jq -r .accessKeyId",
    )
    .action(async (flags: ListFlags) => {
      await withCluster(context, flags, (session) => list(session, flags));
    });
  sub("rm")
    .description("Take access keys away for good: requests signed with them are refused.")
    .argument("<ids...>", "ids of access keys")
    .addHelpText("after", "\nExamples:\n  cairn key rm CAIRN4T6SJ2Q5XKQ7PZA")
    .action(async (ids: readonly string[], flags: ClusterFlags) => {
      await withCluster(context, flags, async ({ client, signal }) => {
        for (const id of ids) await client.access.removeKey(id, { signal });
      });
    });
  defineSwitch(sub("disable"), context, true);
  defineSwitch(sub("enable"), context, false);
  command.addHelpText(
    "after",
    "\nExamples:\n  cairn key create --user alice\n  cairn key ls\n  cairn key disable CAIRN4T6SJ2Q5XKQ7PZA   and see who misses it, before `cairn key rm`",
  );
}

function defineSwitch(command: Command, context: Context, isDisabled: boolean): void {
  command
    .description(
      isDisabled
        ? "Have requests signed with these keys refused, until they are enabled."
        : "Have keys that were disabled be good again.",
    )
    .argument("<ids...>", "ids of access keys")
    .addHelpText("after", `\nExamples:\n  cairn key ${command.name()} CAIRN4T6SJ2Q5XKQ7PZA`)
    .action(async (ids: readonly string[], flags: ClusterFlags) => {
      await withCluster(context, flags, async ({ client, output, signal }) => {
        for (const id of ids) {
          const key = await client.access.setKey(id, { isDisabled, signal });
          if (output.isJson) await output.json(key);
        }
      });
    });
}

async function list({ client, output, signal, context }: Session, flags: ListFlags): Promise<void> {
  let rows: string[][] = [];
  let count = 0;
  for await (const key of client.access.listKeys({ userName: flags.user, signal })) {
    count += 1;
    if (output.isJson) await output.json(key);
    else rows.push(keyRow(key, output, context.clock.now()));
    if (rows.length === ROWS_SHOWN) {
      await output.table(KEY_COLUMNS, rows);
      rows = [];
    }
  }
  if (rows.length > 0) await output.table(KEY_COLUMNS, rows);
  if (count === 0) output.remark("there is no access key; `cairn key create` makes one");
}

async function pairFrom(
  context: Context,
  { id, secretFile }: CreateFlags,
): Promise<KnownKeyPair | undefined> {
  if (id === undefined && secretFile === undefined) return undefined;
  if (id === undefined || secretFile === undefined) {
    throw new CommandFailure("usage", "--id and --secret-file go together");
  }
  const secretKey = (await readText(context, secretFile, SECRET_BYTES_MAX)).trim();
  return { accessKeyId: id, secretKey };
}

function expiryAfter({ clock }: Context, periodMs: number): number {
  return Math.floor(clock.now()) + periodMs;
}
