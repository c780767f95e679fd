import type { Command } from "commander";
import { type CommandHost, subcommand } from "../command.ts";
import { CommandFailure } from "../failure.ts";
import { findCluster } from "../find-cluster.ts";
import { Output } from "../output.ts";
import {
  isUserSetting,
  readUserConfig,
  USER_SETTINGS,
  type UserSetting,
  userConfigPath,
  writeUserConfig,
} from "../user-config.ts";

interface ConfigFlags {
  readonly json?: boolean;
}

export function define(command: Command, host: CommandHost): void {
  const { context } = host;
  command.description("Save and show what this command remembers: where the cluster is.");

  subcommand(command, host, "set")
    .description("Save a setting.")
    .argument("<name>", Object.keys(USER_SETTINGS).join(", "))
    .argument("<value>", "its value; an empty one forgets the setting")
    .action(async (name: string, value: string) => {
      const config = await readUserConfig(context.env);
      const changed = { ...config, [known(name)]: value === "" ? undefined : value };
      // Refused now rather than at the next command.
      if (value !== "") await findCluster(context, value);
      await writeUserConfig(context.env, changed);
      new Output(context, {}).remark(`saved in ${userConfigPath(context.env)}`);
    });

  subcommand(command, host, "get")
    .description("Print a setting's value.")
    .argument("<name>", Object.keys(USER_SETTINGS).join(", "))
    .option("--json", "print JSON")
    .action(async (name: string, flags: ConfigFlags) => {
      const output = new Output(context, flags);
      const value = (await readUserConfig(context.env))[known(name)];
      if (output.isJson) await output.json({ [name]: value ?? null });
      else if (value !== undefined) await output.line(value);
      if (value === undefined) host.finishWith("notFound");
    });

  subcommand(command, host, "show")
    .description("Show where settings are kept, and which cluster commands given here speak to.")
    .option("--json", "print JSON")
    .action(async (flags: ConfigFlags) => {
      const output = new Output(context, flags);
      const file = userConfigPath(context.env);
      const saved = await readUserConfig(context.env);
      const cluster = await findCluster(context, undefined).catch(withoutCluster);
      if (output.isJson) {
        await output.json({ file, saved, cluster: cluster ?? null });
        return;
      }
      await output.table(
        [{ title: "" }, { title: "" }],
        [
          ["file", output.name(file)],
          ...Object.entries(saved).map(([name, value]) => [`saved ${name}`, value]),
          ["cluster here", cluster === undefined ? "none" : cluster.coordinators.join(", ")],
          ["as said by", cluster?.origin ?? "nobody"],
        ],
      );
    });

  command.addHelpText(
    "after",
    `
Examples:
  cairn config set coordinator 10.0.0.1:7070
  cairn config set coordinator ""            forget it
  cairn config show
The order: --coordinator, then CAIRN_COORDINATOR, then a cluster that runs out of ./.cairn, then what was saved.`,
  );
}

function known(name: string): UserSetting {
  if (isUserSetting(name)) return name;
  throw new CommandFailure(
    "usage",
    `${name} is not a setting of this command`,
    `the settings are: ${Object.keys(USER_SETTINGS).join(", ")}`,
  );
}

/** To know of no cluster is an answer here, not a failure. */
function withoutCluster(error: unknown): undefined {
  if (error instanceof CommandFailure) return undefined;
  throw error;
}
