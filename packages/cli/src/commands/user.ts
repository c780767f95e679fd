import { basename } from "node:path";
import { CairnError, hasReason } from "@cairnfs/base/errors";
import type { User } from "@cairnfs/client/access";
import { type Command, Option } from "commander";
import {
  POLICY_PRESETS,
  PRESET_NAMES,
  type PresetName,
  presetDocument,
} from "../access/policy-presets.ts";
import { readText } from "../access/read-text.ts";
import { showNewKey } from "../access/show-key.ts";
import { type ClusterFlags, clusterFlags, type Session, withCluster } from "../cluster-command.ts";
import { type CommandHost, subcommand } from "../command.ts";
import { confirm } from "../confirm.ts";
import { CommandFailure } from "../failure.ts";
import { localTime } from "../format.ts";

interface CreateFlags extends ClusterFlags {
  readonly email?: string;
  readonly preset?: PresetName;
  readonly key?: boolean;
}

interface RemoveFlags extends ClusterFlags {
  readonly yes?: boolean;
}

interface PolicyFlags extends ClusterFlags {
  readonly name?: string;
  readonly preset?: PresetName;
  readonly remove?: string;
}

const POLICY_BYTES_MAX = 64 * 1024;
/** So many rows are shown at once: a table has one width for each column. */
const ROWS_SHOWN = 10_000;
const PRESETS = PRESET_NAMES.map(
  (name) => `  ${name.padEnd(12)} ${POLICY_PRESETS[name].meaning}`,
).join("\n");

export function define(command: Command, host: CommandHost): void {
  command
    .description("Users and what they may do. The user root is always there and may do everything.")
    .addHelpText(
      "after",
      "\nExamples:\n  cairn user create alice --preset own-buckets --key\n  cairn user ls\n  cairn user policy alice policy.json",
    );
  defineCreate(command, host);
  defineList(command, host);
  defineRemove(command, host);
  definePolicy(command, host);
}

function presetOption(): Option {
  return new Option("--preset <name>", "a policy that need not be written").choices(PRESET_NAMES);
}

function defineCreate(parent: Command, host: CommandHost): void {
  clusterFlags(
    subcommand(parent, host, "create").description(
      "Make a user. Without a policy it may make buckets, if gateways allow that, and what those who own others let it do.",
    ),
  )
    .argument("<name>", "1 to 64 of letters, digits and +=,.@_-")
    .option("--email <address>", "S3 clients may name the user by it in access control lists")
    .addOption(presetOption())
    .option("-k, --key", "make an access key, too, and show it")
    .addHelpText(
      "after",
      `\nPresets:\n${PRESETS}\n\nExamples:\n  cairn user create alice --preset own-buckets --key\n  cairn user create backup --email backup@example.org`,
    )
    .action(async (name: string, flags: CreateFlags) => {
      await withCluster(host.context, flags, async ({ client, output, signal }) => {
        const { email, preset } = flags;
        const made = await client.access.createUser(name, { email, signal });
        const user =
          preset === undefined
            ? made
            : await client.access.setUserPolicy(name, preset, presetDocument(preset), { signal });
        if (flags.key !== true) {
          if (output.isJson) await output.json(user);
          return;
        }
        await showNewKey(output, await client.access.createKey({ userName: name, signal }));
      });
    });
}

function defineList(parent: Command, host: CommandHost): void {
  clusterFlags(subcommand(parent, host, "ls").description("List the users."))
    .addHelpText("after", "\nExamples:\n  cairn user ls\n  cairn user ls --json | jq -r .name")
    .action(async (flags: ClusterFlags) => {
      await withCluster(host.context, flags, list);
    });
}

async function list({ client, output, signal }: Session): Promise<void> {
  let rows: string[][] = [];
  for await (const user of client.access.listUsers({ signal })) {
    if (output.isJson) await output.json(user);
    else rows.push(rowOf(user));
    if (rows.length === ROWS_SHOWN) await show();
  }
  if (rows.length > 0) await show();

  async function show(): Promise<void> {
    const titles = ["Name", "Made", "Policies", "Email", "Id"];
    await output.table(
      titles.map((title) => ({ title })),
      rows,
    );
    rows = [];
  }

  function rowOf(user: User): string[] {
    const policies = user.isRoot ? "(everything)" : Object.keys(user.policies).join(" ");
    return [
      user.name,
      localTime(user.createdMs),
      policies,
      output.name(user.email ?? ""),
      user.userId.slice(0, 16),
    ];
  }
}

function defineRemove(parent: Command, host: CommandHost): void {
  const { context } = host;
  clusterFlags(
    subcommand(parent, host, "rm").description(
      "Remove a user with its keys and policies. Buckets and objects that it owns stay.",
    ),
  )
    .argument("<name>", "name of a user")
    .option("-y, --yes", "do not ask")
    .addHelpText("after", "\nExamples:\n  cairn user rm alice")
    .action(async (name: string, flags: RemoveFlags) => {
      await confirm(context, `remove the user ${name} and all its keys?`, flags.yes);
      await withCluster(context, flags, ({ client, signal }) =>
        client.access.removeUser(name, { signal }),
      );
    });
}

function definePolicy(parent: Command, host: CommandHost): void {
  const { context } = host;
  clusterFlags(
    subcommand(parent, host, "policy").description(
      "Show the policies of a user, or give it one: a document in the language of AWS IAM, in JSON.",
    ),
  )
    .argument("<user>", "name of a user")
    .argument("[file]", "a local file with the document, or - for stdin")
    .option("-n, --name <name>", "what the policy is called; after its file unless given")
    .addOption(presetOption())
    .option("--remove <name>", "take the policy of this name away")
    .addHelpText(
      "after",
      `
A user may do what one of its policies, a policy of the bucket or an access control list allows, unless a policy denies it.

Presets:
${PRESETS}

Examples:
  cairn user policy alice                        what there is
  cairn user policy alice photos-reader.json     a policy called photos-reader
  cairn user policy alice --preset read-only
  cairn user policy alice --remove read-only`,
    )
    .action(async (userName: string, file: string | undefined, flags: PolicyFlags) => {
      if ([file, flags.preset, flags.remove].filter((one) => one !== undefined).length > 1) {
        throw new CommandFailure("usage", "a file, --preset and --remove exclude each other");
      }
      const change = await changeFrom(host, file, flags);
      await withCluster(context, flags, (session) => applyPolicy(session, userName, change));
    });
}

interface PolicyChange {
  readonly policyName: string;
  /** `undefined` takes it away. */
  readonly document: string | undefined;
}

async function changeFrom(
  { context }: CommandHost,
  file: string | undefined,
  { name, preset, remove }: PolicyFlags,
): Promise<PolicyChange | undefined> {
  if (remove !== undefined) return { policyName: remove, document: undefined };
  if (preset !== undefined) {
    return { policyName: name ?? preset, document: presetDocument(preset) };
  }
  if (file === undefined) return undefined;
  if (file === "-" && name === undefined) {
    throw new CommandFailure("usage", "a policy from stdin needs a name", "add --name");
  }
  // An editor's line end before the document is none of the policy's.
  const document = (await readText(context, file, POLICY_BYTES_MAX)).trim();
  if (document === "")
    throw new CommandFailure("usage", `${file} is empty`, "--remove takes a policy away");
  return { policyName: name ?? basename(file).replace(/\.json$/iu, ""), document };
}

async function applyPolicy(
  session: Session,
  userName: string,
  change: PolicyChange | undefined,
): Promise<void> {
  const { client, output, signal } = session;
  if (change !== undefined && change.document === undefined) {
    await refuseUnknownPolicy(session, userName, change.policyName);
  }
  const user =
    change === undefined
      ? await client.access.findUser({ name: userName }, { signal })
      : await setPolicy(session, userName, change);
  if (output.isJson) {
    await output.json(user);
    return;
  }
  if (change !== undefined) return;
  for (const [name, document] of Object.entries(user.policies)) {
    await output.line(`${name}:`);
    await output.line(JSON.stringify(JSON.parse(document), undefined, 2));
  }
  if (Object.keys(user.policies).length === 0) {
    output.remark(user.isRoot ? "the root user may do everything" : `${userName} has no policy`);
  }
}

/** What is wrong with a document is told in AWS's words, which do not say what they are about. */
async function setPolicy(
  { client, signal }: Session,
  userName: string,
  { policyName, document }: PolicyChange,
): Promise<User> {
  try {
    return await client.access.setUserPolicy(userName, policyName, document, { signal });
  } catch (error) {
    if (!hasReason(error, "malformedPolicy")) throw error;
    const message = `the policy ${policyName} is not taken: ${error.message}`;
    throw new CairnError("malformedPolicy", message, { cause: error });
  }
}

/** A policy that was to be taken away and stays because of a slip in its name would go unnoticed. */
async function refuseUnknownPolicy(
  { client, signal }: Session,
  userName: string,
  policyName: string,
): Promise<void> {
  const { policies } = await client.access.findUser({ name: userName }, { signal });
  if (Object.hasOwn(policies, policyName)) return;
  throw new CommandFailure(
    "notFound",
    `${userName} has no policy called ${policyName}`,
    `\`cairn user policy ${userName}\` shows what it has`,
  );
}
