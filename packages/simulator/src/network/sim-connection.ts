import { CairnError } from "@cairnfs/base/errors";
import type { SimProcess } from "../process/sim-process.ts";
import type { SimNetwork } from "./sim-network.ts";

export type Side = "client" | "server";

/** The end of a connection that one process has. */
interface End {
  readonly process: SimProcess;
  isBroken: boolean;
  /** What goes to the other end arrives after this. */
  lastArrivalMs: number;
  /** Messages to this end that wait for the way to be free, in order. */
  held: (() => void)[];
  readonly onBroken: Set<(error: CairnError) => void>;
}

/** How long an end goes on sending what is not acknowledged before it gives up. */
const GIVE_UP_MS = 12_000;
/** How long an end that only waits goes on believing in one that is gone. */
const KEEPALIVE_MS = 20_000;

/**
 * A connection between two processes: messages of each direction arrive in order or not at all, and when it breaks each end learns of
 * it in its own time, or never.
 */
export class SimConnection {
  readonly id: number;
  readonly #network: SimNetwork;
  readonly #ends: Readonly<Record<Side, End>>;

  constructor(network: SimNetwork, id: number, client: SimProcess, server: SimProcess) {
    this.#network = network;
    this.id = id;
    this.#ends = { client: endOf(client), server: endOf(server) };
  }

  isBroken(side: Side): boolean {
    return this.#ends[side].isBroken;
  }

  process(side: Side): SimProcess {
    return this.#ends[side].process;
  }

  /** Whether the connection leads from one of these hosts to the other. */
  isBetween(one: string, other: string): boolean {
    const client = this.#ends.client.process.host;
    const server = this.#ends.server.process.host;
    return (client === one && server === other) || (client === other && server === one);
  }

  /** Calls back when the end learns that the connection is broken. */
  onBroken(side: Side, callback: (error: CairnError) => void): () => void {
    const { onBroken } = this.#ends[side];
    onBroken.add(callback);
    return () => void onBroken.delete(callback);
  }

  /** Sends a message to the other end, on top of all else so much later; `arrive` runs there. */
  send(from: Side, what: string, arrive: () => void, holdMs = 0): void {
    const sender = this.#ends[from];
    if (sender.isBroken || !sender.process.isAlive) return;
    const to = otherSide(from);
    const receiver = this.#ends[to];
    const { scheduler } = sender.process;
    scheduler.trace.text(what);
    const latencyMs = holdMs + this.#network.latencyMs(sender.process.host, receiver.process.host);
    sender.lastArrivalMs = Math.max(scheduler.nowMs + latencyMs, sender.lastArrivalMs + 0.001);
    scheduler.after(sender.lastArrivalMs - scheduler.nowMs, () => this.#arrive(from, arrive));
  }

  /** Both ends notice soon, as far as they can. */
  breakNow(message: string): void {
    this.breakEnd("client", message);
    this.breakEnd("server", message);
  }

  /** This end is over, with everything on it; the other is told if the way to it is free. */
  breakEnd(side: Side, message: string): void {
    const end = this.#ends[side];
    if (end.isBroken) return;
    end.isBroken = true;
    end.held = [];
    this.#endLater(otherSide(side));
    end.process.deliver(() => {
      for (const callback of [...end.onBroken]) {
        callback(new CairnError("peerGone", message));
      }
      end.onBroken.clear();
    });
  }

  /** This end is closed in order: the other hears of it behind what was sent. */
  close(side: Side): void {
    const end = this.#ends[side];
    if (end.isBroken) return;
    this.send(side, "close", () =>
      this.breakEnd(otherSide(side), "the peer closed the connection"),
    );
    end.isBroken = true;
    end.onBroken.clear();
    end.held = [];
    this.#endLater(otherSide(side));
  }

  /** The process of this end is gone. With its host up, the other end is told. */
  processDied(side: Side, isHostUp: boolean): void {
    const end = this.#ends[side];
    const other = otherSide(side);
    end.isBroken = true;
    end.held = [];
    if (isHostUp) this.#reset(other);
    this.#endLater(other);
  }

  /** The other end is gone: this one learns of it at last by the system's own probes. */
  #endLater(side: Side): void {
    const end = this.#ends[side];
    if (end.isBroken) {
      this.#network.forget(this);
      return;
    }
    end.process.scheduler.after(KEEPALIVE_MS, () => {
      this.breakEnd(side, "the peer does not answer probes");
    });
  }

  /** The way is free again: what waited goes on. */
  release(): void {
    for (const side of ["client", "server"] as const) {
      const end = this.#ends[side];
      if (end.held.length === 0) continue;
      const from = otherSide(side);
      if (this.#isBlocked(from)) continue;
      for (const arrive of end.held.splice(0)) this.#hand(from, arrive);
    }
  }

  #arrive(from: Side, arrive: () => void): void {
    const receiver = this.#ends[otherSide(from)];
    const sender = this.#ends[from];
    if (this.#isBlocked(from) || receiver.held.length > 0) {
      if (receiver.held.length === 0) this.#giveUpLater(from);
      receiver.held.push(arrive);
      return;
    }
    if (receiver.isBroken && !sender.isBroken) {
      // Nobody has this connection there: the system of the host says so.
      if (this.#network.isUp(receiver.process.host)) this.#reset(from);
      else this.#giveUpLater(from);
      return;
    }
    this.#hand(from, arrive);
  }

  #hand(from: Side, arrive: () => void): void {
    const receiver = this.#ends[otherSide(from)];
    receiver.process.deliver(() => {
      if (!receiver.isBroken) arrive();
    });
  }

  /** What this end has sent is not acknowledged: it gives up after a while. */
  #giveUpLater(side: Side): void {
    const { scheduler } = this.#ends[side].process;
    const receiver = this.#ends[otherSide(side)];
    scheduler.after(GIVE_UP_MS, () => {
      const isStill = receiver.isBroken || (receiver.held.length > 0 && this.#isBlocked(side));
      if (isStill) this.breakEnd(side, "the peer acknowledges nothing");
    });
  }

  /** Tells this end that the other is gone, if the word gets through. */
  #reset(side: Side): void {
    const end = this.#ends[side];
    const { scheduler } = end.process;
    const other = this.#ends[otherSide(side)].process.host;
    scheduler.after(this.#network.latencyMs(other, end.process.host), () => {
      if (this.#isBlocked(otherSide(side))) this.#giveUpLater(side);
      else this.breakEnd(side, "the connection was reset");
    });
  }

  #isBlocked(from: Side): boolean {
    return this.#network.isBlocked(
      this.#ends[from].process.host,
      this.#ends[otherSide(from)].process.host,
    );
  }
}

export function otherSide(side: Side): Side {
  return side === "client" ? "server" : "client";
}

function endOf(process: SimProcess): End {
  return { process, isBroken: false, lastArrivalMs: 0, held: [], onBroken: new Set() };
}
