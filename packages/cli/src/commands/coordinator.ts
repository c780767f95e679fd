import type { Command } from "commander";
import type { CommandHost } from "../command.ts";
import { openCoordinator } from "../server/open-coordinator.ts";
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
      "Run a coordinator in the foreground until SIGTERM or Ctrl-C.\n" +
        "Settings come from defaults, the YAML file, CAIRN_* variables and flags; the later wins.",
    )
    .option("--json", "print the ready line as JSON");
  addSettingFlags(command, coordinatorProcessSettings);
  command
    .addHelpText(
      "after",
      `
Examples:
  cairn coordinator --data-dir /var/lib/cairn/coordinator
  cairn coordinator --config /etc/cairn/coordinator.yaml
  CAIRN_ADDRESS=127.0.0.1:0 cairn coordinator --json`,
    )
    .action(async (options: Readonly<Record<string, unknown>>) => {
      const config = await readSettings(coordinatorProcessSettings, options, context.env, [
        datanodeProcessSettings,
        gatewayProcessSettings,
      ]);
      await runServer(context, {
        role: "coordinator",
        settings: config,
        json: options.json === true,
        open: (parts) => openCoordinator(config, parts),
      });
    });
}
