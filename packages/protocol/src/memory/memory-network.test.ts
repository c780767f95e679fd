import { SystemClock } from "@cairnfs/base/clock";
import { SystemRandom } from "@cairnfs/base/random";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import { describe, expect, test } from "vitest";
import { EchoService } from "../gen/cairn/test/v1/echo_pb.ts";
import { createClient } from "../rpc/create-client.ts";
import { RETRY_NEVER } from "../rpc/retry.ts";
import { describeNetwork } from "../rpc/rpc.contract.ts";
import { Echo } from "../rpc/testing/echo.ts";
import { MemoryNetwork } from "./memory-network.ts";

describeNetwork("MemoryNetwork", () => new MemoryNetwork(), { address: "echo:0" });

const options = {
  clock: new SystemClock(),
  random: new SystemRandom(),
  timeoutMs: 5_000,
  retry: RETRY_NEVER,
};

describe("faults of a memory network", () => {
  test("an address that is cut off cannot be called until it is healed", async () => {
    const network = new MemoryNetwork();
    await network.listen("a:1", new Echo().router());
    const client = createClient(EchoService, network.connect("a:1"), options);
    network.cut("a:1");
    await expect(client.echo({})).rejects.toMatchObject({ reason: "unreachable" });
    network.heal("a:1");
    await client.echo({});
  });

  test("a cut between two hosts leaves the others alone", async () => {
    const network = new MemoryNetwork();
    await network.listen("a:1", new Echo().router());
    const [one, other] = ["one", "other"].map((host) =>
      createClient(EchoService, network.host(host).connect("a:1"), options),
    );
    network.cut("a:1", "one");
    await expect(one?.echo({})).rejects.toMatchObject({ reason: "unreachable" });
    await other?.echo({});
  });

  test("a dropped connection ends its calls as peerGone on both sides", async () => {
    const network = new MemoryNetwork();
    const echo = new Echo();
    await network.listen("a:1", echo.router());
    const client = createClient(EchoService, network.connect("a:1"), options);
    const answers = client.count({ behaviour: "hang", count: 1 })[Symbol.asyncIterator]();
    await answers.next();
    const next = answers.next();
    network.drop("a:1");
    await expect(next).rejects.toMatchObject({ reason: "peerGone" });
    expect((await echo.aborted).reason).toBe("peerGone");
  });

  test("a delay lasts by the clock that the network was given", async () => {
    const clock = new SimClock();
    const network = new MemoryNetwork({ clock });
    await network.listen("a:1", new Echo().router());
    const client = createClient(EchoService, network.connect("a:1"), { ...options, clock });
    network.delay("a:1", 300);
    let isAnswered = false;
    const call = client.echo({}).then(() => {
      isAnswered = true;
    });
    await clock.advance(599);
    expect(isAnswered).toBe(false);
    await clock.advance(1);
    await call;
  });
});
