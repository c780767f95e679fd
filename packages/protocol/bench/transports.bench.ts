/*
 * What calls and bytes cost on each transport, client and server in processes of their own:
 *
 *     npx tsc --build && npx tsx packages/protocol/bench/transports.bench.ts [framed|grpc] [unary|client|served|up|down] ...
 *
 * `unary` is the transport alone, `client` adds what `createClient` does, and `served` the metrics and the log of real
 * servers. CALLS, CHUNKS, FRAME_BYTES and IN_FLIGHT in the environment change the amounts.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { SystemClock } from "@cairnfs/base/clock";
import { SystemRandom } from "@cairnfs/base/random";
import { FramedNetwork } from "@cairnfs/protocol/framed/framed-network";
import { EchoService } from "@cairnfs/protocol/gen/cairn/test/v1/echo_pb";
import { DataNodeService } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";
import { createClient } from "@cairnfs/protocol/rpc/create-client";
import { createRouter } from "@cairnfs/protocol/rpc/create-router";
import type { ServerInterceptor } from "@cairnfs/protocol/rpc/interceptor";
import type { Network } from "@cairnfs/protocol/rpc/network";
import { releaseReceived } from "@cairnfs/protocol/rpc/receive-buffers";
import type { ClientTransport } from "@cairnfs/protocol/rpc/transport";

const clock = new SystemClock();
const random = new SystemRandom();
const MIB = 1024 * 1024;
const FRAME_BYTES = Number(process.env.FRAME_BYTES ?? MIB);
const CHUNK_BYTES = 8 * MIB;
const CHUNKS = Number(process.env.CHUNKS ?? 256);
const CALLS = Number(process.env.CALLS ?? 300_000);
const IN_FLIGHT = Number(process.env.IN_FLIGHT ?? 64);

async function networkNamed(name: string): Promise<Network> {
  if (name === "framed") return new FramedNetwork({ clock });
  const { GrpcNetwork } = await import("@cairnfs/protocol/grpc/grpc-network");
  return new GrpcNetwork({ clock });
}

const data = new Uint8Array(FRAME_BYTES).fill(7);
const blockChecksums = Array.from({ length: Math.ceil(FRAME_BYTES / 65_536) }, () => 12345);

async function* frames() {
  for (let at = 0; at < CHUNK_BYTES; at += FRAME_BYTES) {
    const isFinal = at + FRAME_BYTES >= CHUNK_BYTES;
    yield { sessionId: new Uint8Array(16), offsetBytes: BigInt(at), isFinal, blockChecksums, data };
  }
}

const unserved = () => {
  throw new Error("not part of the measurement");
};

async function interceptorsFor(what: string): Promise<ServerInterceptor[]> {
  if (what !== "served") return [];
  const { serverTelemetry } = await import("@cairnfs/observability/rpc-telemetry");
  const { PrometheusMetrics } = await import("@cairnfs/observability/metrics");
  const { createLogger } = await import("@cairnfs/observability/json-logger");
  const telemetry = { metrics: new PrometheusMetrics(), logger: createLogger({ clock }) };
  return [serverTelemetry(telemetry, clock)];
}

async function serve(name: string, what: string): Promise<void> {
  const network = await networkNamed(name);
  const router = createRouter(await interceptorsFor(what))
    .add(EchoService, {
      echo: async ({ payload }) => ({ payload }),
      count: unserved,
      gather: unserved,
      chat: unserved,
    })
    .add(DataNodeService, {
      async *storeChunk(requests) {
        let received = 0;
        for await (const { step } of requests) {
          if (step.case !== "data") continue;
          received += step.value.data.byteLength;
          releaseReceived(step.value.data);
          const ack = { bytesReceived: BigInt(received), readyForNext: true };
          yield { step: { case: "ack" as const, value: ack } };
        }
        yield { step: { case: "result" as const, value: { lengthBytes: BigInt(received) } } };
      },
      async *retrieveChunk() {
        for await (const frame of frames()) yield { data: frame };
      },
      replicateChunk: unserved,
      putChunk: unserved,
      getChunk: unserved,
      deleteChunks: unserved,
      hasChunks: unserved,
      listChunks: unserved,
      verifyChunk: unserved,
      healthCheck: unserved,
    })
    .build();
  const listener = await network.listen("127.0.0.1:0", router);
  process.send?.({ address: listener.address });
  process.on("message", () => process.send?.({ cpu: process.cpuUsage() }));
  process.on("disconnect", () => process.exit());
}

interface Work {
  readonly unit: "call" | "GB";
  readonly amount: number;
  run(transport: ClientTransport): Promise<void>;
}

const works: Record<string, Work> = {
  unary: {
    unit: "call",
    amount: CALLS,
    async run(transport) {
      const request = [new Uint8Array([0x7a, 16, ...new Array(16).fill(1)])];
      const metadata = new Map();
      let left = CALLS;
      const lane = async () => {
        while (left-- > 0) {
          await transport.unary("/cairn.test.v1.EchoService/Echo", request, { metadata });
        }
      };
      await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
    },
  },
  client: { unit: "call", amount: CALLS, run: callEcho },
  served: { unit: "call", amount: CALLS, run: callEcho },
  up: {
    unit: "GB",
    amount: (CHUNKS * CHUNK_BYTES) / 1e9,
    async run(transport) {
      const client = createClient(DataNodeService, transport, { clock, random, timeoutMs: 60_000 });
      await lanes(2, CHUNKS, async () => {
        const requests = (async function* () {
          for await (const frame of frames()) {
            yield { step: { case: "data" as const, value: frame } };
          }
        })();
        for await (const _ of client.storeChunk(requests));
      });
    },
  },
  down: {
    unit: "GB",
    amount: (CHUNKS * CHUNK_BYTES) / 1e9,
    async run(transport) {
      const client = createClient(DataNodeService, transport, { clock, random, timeoutMs: 60_000 });
      await lanes(2, CHUNKS, async () => {
        let received = 0;
        const requests = (async function* () {
          yield { step: { case: "open" as const, value: {} } };
        })();
        for await (const { data: frame } of client.retrieveChunk(requests)) {
          received += frame?.data.byteLength ?? 0;
          if (frame !== undefined) releaseReceived(frame.data);
        }
        if (received !== CHUNK_BYTES) throw new Error(`${received} bytes came`);
      });
    },
  },
};

async function callEcho(transport: ClientTransport): Promise<void> {
  const client = createClient(EchoService, transport, { clock, random, timeoutMs: 10_000 });
  const payload = new Uint8Array(16);
  await lanes(IN_FLIGHT, CALLS, async () => {
    await client.echo({ payload });
  });
}

async function lanes(count: number, times: number, run: () => Promise<void>): Promise<void> {
  let left = times;
  const lane = async () => {
    while (left-- > 0) await run();
  };
  await Promise.all(Array.from({ length: count }, lane));
}

async function measure(name: string, what: string, work: Work): Promise<void> {
  const child = fork(process.argv[1] ?? "", ["serve", name, what]);
  const { address } = await told(child);
  const network = await networkNamed(name);
  const transport = network.connect(address ?? "");
  const served = await cpuOf(child);
  const startedCpu = process.cpuUsage();
  const startedMs = performance.now();
  await work.run(transport);
  const seconds = (performance.now() - startedMs) / 1000;
  const own = process.cpuUsage(startedCpu);
  const after = await cpuOf(child);
  const clientSeconds = (own.user + own.system) / 1e6;
  const serverSeconds = (after.user + after.system - served.user - served.system) / 1e6;
  process.stdout.write(
    `${name} ${what}: ${line(work, { seconds, clientSeconds, serverSeconds })}\n`,
  );
  await transport.close();
  child.disconnect();
}

function line(
  { unit, amount }: Work,
  spent: {
    readonly seconds: number;
    readonly clientSeconds: number;
    readonly serverSeconds: number;
  },
): string {
  const { seconds, clientSeconds, serverSeconds } = spent;
  const cpuSeconds = clientSeconds + serverSeconds;
  if (unit === "call") {
    const each = (side: number) => ((side / amount) * 1e6).toFixed(1);
    return `${(amount / seconds).toFixed(0)} calls/s; CPU us per call: client ${each(clientSeconds)}, server ${each(serverSeconds)}`;
  }
  const each = (side: number) => (side / amount).toFixed(3);
  return (
    `${((amount / seconds) * 1000).toFixed(0)} MB/s; ${((amount / cpuSeconds) * 1000).toFixed(0)} MB per CPU second; ` +
    `CPU s per GB: client ${each(clientSeconds)}, server ${each(serverSeconds)}`
  );
}

interface Told {
  readonly address?: string;
  readonly cpu?: NodeJS.CpuUsage;
}

async function told(child: ChildProcess): Promise<Told> {
  const [message] = await once(child, "message");
  return message as Told;
}

async function cpuOf(child: ChildProcess): Promise<NodeJS.CpuUsage> {
  child.send("cpu");
  return (await told(child)).cpu ?? { user: 0, system: 0 };
}

const [first, ...rest] = process.argv.slice(2);
if (first === "serve") {
  await serve(rest[0] ?? "framed", rest[1] ?? "");
} else {
  const names = first === undefined ? ["framed", "grpc"] : [first];
  for (const name of names) {
    for (const [what, work] of Object.entries(works)) {
      if (rest.length === 0 || rest.includes(what)) await measure(name, what, work);
    }
  }
}
