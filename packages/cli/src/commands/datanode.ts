import type { Command } from "commander";
import type { CommandHost } from "../command.ts";
import { openDatanode } from "../server/open-datanode.ts";
import { runServer } from "../server/run-server.ts";
import { addSettingFlags, readSettings } from "../server/setting-flags.ts";
import {
  coordinatorProcessSettings,
  datanodeProcessSettings,
  gatewayProcessSettings,
} from "../server/settings.ts";

export function define(command: Command, { context }: CommandHost): void {
  command
    .description(
      "Run a datanode, the keeper of one disk, in the foreground until SIGTERM or Ctrl-C.\n" +
        "Settings come from defaults, the YAML file, CAIRN_* variables and flags; the later wins.",
    )
    .option("--json", "print the ready line as JSON");
  addSettingFlags(command, datanodeProcessSettings);
  command
    .addHelpText(
      "after",
      `
Examples:
  cairn datanode --data-dir /mnt/disk1/cairn --coordinator-address 10.0.0.1:7070
  cairn datanode --config /etc/cairn/datanode.yaml`,
    )
    .action(async (options: Readonly<Record<string, unknown>>) => {
      const config = await readSettings(datanodeProcessSettings, options, context.env, [
        coordinatorProcessSettings,
        gatewayProcessSettings,
      ]);
      await runServer(context, {
        role: "datanode",
        settings: config,
        json: options.json === true,
        open: (parts) => openDatanode(config, parts),
      });
    });
}
