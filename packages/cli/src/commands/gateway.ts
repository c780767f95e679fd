import { hasReason } from "@cairnfs/base/errors";
import type { Command } from "commander";
import type { CommandHost } from "../command.ts";
import { CommandFailure } from "../failure.ts";
import { openGateway } from "../server/open-gateway.ts";
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
      "Run a gateway, the door for S3 clients, in the foreground until SIGTERM or Ctrl-C. It keeps nothing: run as many as you like.\n" +
        "Settings come from defaults, the YAML file, CAIRN_* variables and flags; the later wins.",
    )
    .option("--json", "print the ready line as JSON, with the root key when this start made it");
  addSettingFlags(command, gatewayProcessSettings);
  command
    .addHelpText(
      "after",
      `
The first gateway of a cluster makes the first access key, which may do everything, and tells it once: on a terminal, or in the ready line
of --json. CAIRN_ROOT_ACCESS_KEY_ID and CAIRN_ROOT_SECRET_KEY say what it is to be instead; \`cairn key create\` makes more.

Examples:
  cairn gateway --coordinator-address 10.0.0.1:7070
  cairn gateway --config /etc/cairn/gateway.yaml
  cairn gateway --address 127.0.0.1:0 --json
  aws --endpoint-url http://127.0.0.1:7090 s3 mb s3://photos`,
    )
    .action(async (options: Readonly<Record<string, unknown>>) => {
      const config = await readSettings(gatewayProcessSettings, options, context.env, [
        coordinatorProcessSettings,
        datanodeProcessSettings,
      ]);
      const json = options.json === true;
      await runServer(context, {
        role: "gateway",
        settings: config,
        json,
        open: async (parts) => {
          const { coordinatorAddress } = config;
          parts.telemetry.logger.info("asks the coordinator", { coordinatorAddress });
          try {
            const canTell = json || context.stdout.isTTY === true;
            return await openGateway(config, parts, { canTell });
          } catch (error) {
            if (!hasReason(error, "unreachable")) throw error;
            throw new CommandFailure(
              "unreachable",
              `the coordinator did not answer: ${error.message}`,
              "is it running? Start the gateway again when it is, or name another with --coordinator-address",
            );
          }
        },
      });
    });
}
