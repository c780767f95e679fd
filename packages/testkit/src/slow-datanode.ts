import { SystemClock } from "@cairnfs/base/clock";
import { SystemRandom } from "@cairnfs/base/random";
import { RealDisk } from "@cairnfs/base/real-disk";
import { silentTelemetry } from "@cairnfs/base/telemetry";
import { datanodeSettings } from "@cairnfs/datanode/config";
import { Datanode } from "@cairnfs/datanode/datanode";
import { FramedNetwork } from "@cairnfs/protocol/framed/framed-network";
import { SlowDisk } from "./slow-disk.ts";

/** A datanode process as `cairn datanode` starts it, but on a disk that writes SLOW_DISK_BYTES_PER_SECOND. */
const { env } = process;
const clock = new SystemClock();
const random = new SystemRandom();
const config = datanodeSettings.parse({
  address: env.CAIRN_ADDRESS,
  grpcAddress: "",
  httpAddress: "",
  dataDir: env.CAIRN_DATA_DIR,
  coordinatorAddress: env.CAIRN_COORDINATOR_ADDRESS,
});
const disk = new SlowDisk(new RealDisk(), clock, Number(env.SLOW_DISK_BYTES_PER_SECOND));
const network = new FramedNetwork({ clock });
const datanode = await Datanode.open(config, {
  disk,
  network,
  clock,
  random,
  telemetry: silentTelemetry,
});
process.stdout.write(`${JSON.stringify({ address: datanode.address })}\n`);
process.once("SIGTERM", () => void datanode.close().then(() => process.exit(0)));
