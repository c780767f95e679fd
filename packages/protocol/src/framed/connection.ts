import type { Socket } from "node:net";
import type { Clock, Timer } from "@cairnfs/base/clock";
import { CairnError } from "@cairnfs/base/errors";
import type { ReceiveBuffers } from "../rpc/receive-buffers.ts";
import { type Frame, FrameType } from "./frame.ts";
import { FrameReader } from "./frame-reader.ts";
import { FrameWriter } from "./frame-writer.ts";
import { decodeHello, encodeHello, type Hello, ownHello, PROTOCOL_VERSION } from "./hello.ts";
import type { ByteSink } from "./socket.ts";

/** How long things may take before a peer counts as gone. */
export interface ConnectionLimits {
  /** To connect and to say hello. */
  readonly handshakeMs: number;
  /** Silence for this long is answered with a ping, and for three times as long with the end of the connection. */
  readonly keepaliveMs: number;
  /** A connection without a call is closed by its client after this long. */
  readonly idleMs: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = {
  handshakeMs: 5_000,
  keepaliveMs: 10_000,
  idleMs: 60_000,
};

/** Why a connection is not read while its peer does not take what it asked for. */
export const ANSWERS_UNTAKEN = "answers";
/** For how many ticks such a peer may take nothing. */
const UNTAKEN_TICKS_MAX = 6;
/** How often a connection that is not read looks whether its peer is still there. */
const PROBE_MS = 1_000;
/** How many calls one side works on at once on one connection. */
export const CALLS_MAX = 1_024;

/** What is made of the frames, on either side. */
export interface ConnectionOwner {
  readonly hasCalls: boolean;
  /** A frame of a call, or goaway. May throw a CairnError to refuse it: that is the end of the connection. */
  onFrame(frame: Frame): void;
  /** No call for a while. */
  onIdle(): void;
  /** The last event, once. */
  onClosed(error: CairnError): void;
}

/**
 * What both sides of a connection share: hello, keepalive, stopping to read, and one end with one reason. It is open
 * from the start; what is written before the peer has answered waits in the socket.
 */
export class Connection {
  readonly writer: FrameWriter;
  readonly peer: string;
  readonly #socket: Socket;
  readonly #reader: FrameReader;
  readonly #owner: ConnectionOwner;
  readonly #clock: Clock;
  readonly #limits: ConnectionLimits;
  readonly #stops = new Set<string>();
  #isConnected: boolean;
  #hasHello = false;
  #isClosed = false;
  #handshake: Timer | undefined;
  #tick: Timer | undefined;
  #probe: Timer | undefined;
  #silentTicks = 0;
  #idleTicks = 0;
  #untakenTicks = 0;
  #untakenBytes = 0;

  constructor(
    owner: ConnectionOwner,
    parts: {
      readonly clock: Clock;
      readonly limits: ConnectionLimits;
      readonly peer: string | undefined;
      /** For large messages. */
      readonly buffers: ReceiveBuffers;
      readonly openSocket: (sink: ByteSink) => Socket;
    },
  ) {
    this.#owner = owner;
    this.#clock = parts.clock;
    this.#limits = parts.limits;
    const events = {
      onFrame: (frame: Frame) => this.#onFrame(frame),
      onViolation: (error: CairnError) => this.fail(error),
    };
    this.#reader = new FrameReader(events, parts.buffers);
    const socket = parts.openSocket({
      room: () => this.#reader.room(),
      received: (sizeBytes) => {
        this.#silentTicks = 0;
        this.#reader.received(sizeBytes);
      },
    });
    this.#socket = socket;
    this.#isConnected = !socket.connecting;
    this.peer = parts.peer ?? `${socket.remoteAddress}:${socket.remotePort}`;
    this.writer = new FrameWriter(socket);
    socket.on("connect", () => {
      this.#isConnected = true;
    });
    socket.on("error", (cause) => this.fail(this.#broken(cause)));
    socket.on("end", () => this.fail(this.#broken(undefined)));
    socket.on("close", () => this.fail(this.#broken(undefined)));
    this.#write(FrameType.hello, encodeHello(ownHello(CALLS_MAX)));
    this.#handshake = this.#clock.after(this.#limits.handshakeMs, () => this.#onNoHello());
    this.#armTick();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Stops reading for this reason; what the peer sends then stays with the peer. */
  stopReading(reason: string): void {
    if (this.#isClosed || this.#stops.has(reason)) return;
    this.#stops.add(reason);
    if (this.#stops.size > 1) return;
    this.#socket.pause();
    this.#armProbe();
  }

  /** Reads again when no reason to stop is left. */
  readAgain(reason: string): void {
    if (!this.#stops.delete(reason) || this.#stops.size > 0 || this.#isClosed) return;
    this.#probe?.cancel();
    this.#silentTicks = 0;
    this.#socket.resume();
  }

  /** Says goodbye after what was written, and takes no more calls; the peer closes when it has read that. */
  goAway(): void {
    if (this.#isClosed) return;
    this.#write(FrameType.goaway, undefined);
    this.writer.flush();
    this.#socket.end();
  }

  /** Ends the connection here and now, and tells the owner why, once. Data under way is lost. */
  fail(error: CairnError): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handshake?.cancel();
    this.#tick?.cancel();
    this.#probe?.cancel();
    this.#reader.stop();
    this.writer.close();
    // A peer that has stopped reading us hears of a reset only.
    if (this.#isConnected) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
    this.#owner.onClosed(error);
  }

  /** Closes a connection on which nothing is under way. */
  end(): void {
    if (this.#isClosed) return;
    this.#socket.end();
    this.fail(new CairnError("peerGone", "the connection was closed"));
  }

  #onFrame(frame: Frame): void {
    if (this.#isClosed) return;
    if (!this.#hasHello) {
      this.#onHello(frame);
      return;
    }
    switch (frame.type) {
      case FrameType.ping:
        // A peer that does not read gets no answers heaped up for it.
        if (this.writer.pendingBytes === 0) this.#write(FrameType.pong, undefined);
        return;
      case FrameType.pong:
        return;
      case FrameType.hello:
        throw new CairnError("protocolViolation", "the peer said hello twice");
      default:
        this.#owner.onFrame(frame);
    }
  }

  #onHello(frame: Frame): void {
    if (frame.type !== FrameType.hello || frame.streamId !== 0) {
      throw new CairnError("protocolViolation", "the peer did not begin with a hello");
    }
    const hello: Hello = decodeHello(frame);
    if (hello.version !== PROTOCOL_VERSION) {
      // Our own hello goes out first, so that the peer can say the same to its user.
      this.writer.flush();
      this.#socket.end();
      throw new CairnError(
        "versionMismatch",
        `the peer speaks version ${hello.version} of the protocol, and this is version ${PROTOCOL_VERSION}`,
        { details: { version: PROTOCOL_VERSION, peerVersion: hello.version } },
      );
    }
    this.#hasHello = true;
    this.#handshake?.cancel();
    this.#reader.allowLongFrames();
  }

  #onNoHello(): void {
    const what = this.#isConnected ? "said no hello" : "was not connected";
    this.fail(
      new CairnError("unreachable", `${this.peer} ${what} within ${this.#limits.handshakeMs} ms`),
    );
  }

  #write(type: number, body: Uint8Array | undefined): void {
    if (this.#isClosed) return;
    this.writer.header(type, 0, 0, body?.byteLength ?? 0);
    if (body !== undefined) this.writer.bytes(body);
  }

  #broken(cause: Error | undefined): CairnError {
    if (!this.#isConnected) {
      return new CairnError("unreachable", `${this.peer} cannot be reached`, { cause });
    }
    const where = this.#reader.isInFrame ? " in the middle of a frame" : "";
    return new CairnError("peerGone", `the connection to ${this.peer} ended${where}`, { cause });
  }

  #armTick(): void {
    this.#tick = this.#clock.after(this.#limits.keepaliveMs, () => {
      this.#onTick();
      if (!this.#isClosed) this.#armTick();
    });
  }

  #onTick(): void {
    this.#idleTicks = this.#owner.hasCalls ? 0 : this.#idleTicks + 1;
    if (this.#idleTicks * this.#limits.keepaliveMs >= this.#limits.idleMs) this.#owner.onIdle();
    this.#checkTaken();
    if (this.#isClosed || !this.#owner.hasCalls || this.#stops.size > 0) return;
    this.#silentTicks += 1;
    if (this.#silentTicks > 3) {
      const silentMs = 3 * this.#limits.keepaliveMs;
      this.fail(new CairnError("peerGone", `no sign of life of ${this.peer} for ${silentMs} ms`));
    } else if (this.#silentTicks > 1 && this.writer.pendingBytes === 0) {
      this.#write(FrameType.ping, undefined);
    }
  }

  /** A peer that keeps the connection and takes no answers would hold what they hold for ever. */
  #checkTaken(): void {
    const { pendingBytes } = this.writer;
    const isStuck = this.#stops.has(ANSWERS_UNTAKEN) && pendingBytes === this.#untakenBytes;
    this.#untakenTicks = isStuck ? this.#untakenTicks + 1 : 0;
    this.#untakenBytes = pendingBytes;
    if (this.#untakenTicks < UNTAKEN_TICKS_MAX) return;
    const stuckMs = UNTAKEN_TICKS_MAX * this.#limits.keepaliveMs;
    this.fail(new CairnError("stalled", `${this.peer} took no answers for ${stuckMs} ms`));
  }

  /**
   * Who does not read does not see the peer go. Something that is written does: a peer that is gone answers with a
   * reset, and one that is there takes it for a sign of life.
   */
  #armProbe(): void {
    this.#probe = this.#clock.after(PROBE_MS, () => {
      if (this.writer.pendingBytes === 0) this.#write(FrameType.ping, undefined);
      this.#armProbe();
    });
  }
}
