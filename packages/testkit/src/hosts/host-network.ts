import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { willBeEnded } from "../leftovers.ts";
import { runCommand, whyNotRoot } from "./run-command.ts";

/** A host of the test's own: a network namespace with one address. */
export interface Host {
  readonly name: string;
  readonly address: string;
  /** Run before a program, these words put it on the host. */
  readonly prefix: readonly string[];
}

/** A range that is kept for tests of networks: no real host has an address of it. */
const RANGE = "198.18";
const SUBNETS = 250;

/**
 * Hosts with addresses of their own behind one router, each in a network namespace, and the test's process as one more host.
 * What one sends to another can be made to vanish, in one direction or both, without anybody being told.
 */
export class HostNetwork implements AsyncDisposable {
  /** Where the test's own process is. */
  readonly self: Host;
  readonly hosts: readonly Host[];
  readonly #router: string;
  readonly #cuts = new Set<string>();
  readonly #ended: () => void;

  private constructor(router: string, self: Host, hosts: readonly Host[]) {
    this.#router = router;
    this.self = self;
    this.hosts = hosts;
    this.#ended = willBeEnded(this);
  }

  /** Why there can be no such network here; undefined when there can. */
  static whyNot(): string | undefined {
    const reason = whyNotRoot("ip", "sysctl");
    if (reason !== undefined) return reason;
    try {
      const probe = `cairn-probe-${process.pid}`;
      execFileSync("ip", ["netns", "add", probe], { stdio: "ignore" });
      execFileSync("ip", ["netns", "delete", probe], { stdio: "ignore" });
      return undefined;
    } catch {
      return "this needs network namespaces";
    }
  }

  /** Makes the router and so many hosts, up to 60. */
  static async create(count: number): Promise<HostNetwork> {
    await sweepNamespaces();
    const subnet = await freeSubnet();
    const id = `cairn-${process.pid}-${subnet}`;
    const router = `${id}-r`;
    const made: Host[] = [];
    await runCommand("ip", "netns", "add", router);
    try {
      await runCommand("ip", "netns", "exec", router, "sysctl", "-qw", "net.ipv4.ip_forward=1");
      for (let index = 0; index <= count; index++) made.push(await addHost(id, subnet, index));
    } catch (error) {
      await removeNamespaces(router, made);
      throw error;
    }
    const [self, ...hosts] = made;
    if (self === undefined) throw new Error("the test has no host");
    return new HostNetwork(router, self, hosts);
  }

  host(index: number): Host {
    const host = this.hosts[index];
    if (host === undefined) throw new Error(`there is no host ${index}`);
    return host;
  }

  /** What `from` sends to `to` vanishes from now on; what comes the other way does not. */
  async cut(from: Host, to: Host): Promise<void> {
    const key = `${from.address} ${to.address}`;
    if (this.#cuts.has(key)) return;
    this.#cuts.add(key);
    await this.#rule("add", key);
  }

  /** Nothing vanishes any more. */
  async heal(): Promise<void> {
    const cuts = [...this.#cuts];
    this.#cuts.clear();
    for (const key of cuts) await this.#rule("delete", key);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended();
    await removeNamespaces(this.#router, this.hosts);
  }

  async #rule(verb: "add" | "delete", key: string): Promise<void> {
    const [from = "", to = ""] = key.split(" ");
    await runCommand(
      "ip",
      ...["-n", this.#router, "rule", verb],
      ...["from", from, "to", to, "blackhole"],
    );
  }
}

/** Host 0 is the namespace of this process: it gets an address and a route, and nothing else of it changes. */
async function addHost(id: string, subnet: number, index: number): Promise<Host> {
  const isSelf = index === 0;
  const name = isSelf ? "self" : `${id}-${index}`;
  const router = ["-n", `${id}-r`];
  const at = isSelf ? [] : ["-n", name];
  const inside = `cn${subnet}h${index}`;
  const outside = `to${index}`;
  const network = `${RANGE}.${subnet}`;
  const gateway = `${network}.${4 * index + 1}`;
  const address = `${network}.${4 * index + 2}`;
  if (!isSelf) await runCommand("ip", "netns", "add", name);
  const peer = ["peer", "name", inside, "netns", isSelf ? String(process.pid) : name];
  await runCommand("ip", ...router, "link", "add", outside, "type", "veth", ...peer);
  await runCommand("ip", ...router, "address", "add", `${gateway}/30`, "dev", outside);
  await runCommand("ip", ...router, "link", "set", outside, "up");
  await runCommand("ip", ...at, "address", "add", `${address}/30`, "dev", inside);
  await runCommand("ip", ...at, "link", "set", inside, "up");
  if (!isSelf) await runCommand("ip", ...at, "link", "set", "lo", "up");
  const target = isSelf ? `${network}.0/24` : "default";
  await runCommand("ip", ...at, "route", "add", target, "via", gateway);
  return { name, address, prefix: isSelf ? [] : ["ip", "netns", "exec", name] };
}

/** With its namespace the router's ends of all links go, and with them the others. */
async function removeNamespaces(router: string, hosts: readonly Host[]): Promise<void> {
  const names = hosts.filter((host) => host.prefix.length > 0).map((host) => host.name);
  const removed = await Promise.allSettled(
    [...names, router].map((name) => runCommand("ip", "netns", "delete", name)),
  );
  const errors = removed.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
  if (errors.length > 0) throw new AggregateError(errors, "network namespaces remain");
}

/** A test that was killed left its namespaces: its process is no more. */
async function sweepNamespaces(): Promise<void> {
  const names = (await runCommand("ip", "netns", "list")).matchAll(/^cairn-(\d+)-\S+/gmu);
  for (const [name, pid = ""] of names) {
    if (existsSync(`/proc/${pid}`)) continue;
    await runCommand("ip", "netns", "delete", name);
  }
}

/** The third number of a subnet that no route leads to yet. */
async function freeSubnet(): Promise<number> {
  const routes = await runCommand("ip", "route", "show");
  for (let step = 0; step < SUBNETS; step++) {
    const subnet = (process.pid + step) % SUBNETS;
    if (!routes.includes(`${RANGE}.${subnet}.`)) return subnet;
  }
  throw new Error(`no subnet of ${RANGE}.0.0 is free`);
}
