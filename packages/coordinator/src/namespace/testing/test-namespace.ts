import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { present } from "@cairnfs/base/assert";
import { Bell } from "@cairnfs/base/bell";
import { Prng } from "@cairnfs/base/random";
import { silentLogger, silentMetrics } from "@cairnfs/base/telemetry";
import { SimClock } from "@cairnfs/base/testing/sim-clock";
import type { Worker } from "@cairnfs/base/worker";
import type { KvStore } from "@cairnfs/kv/kv-store";
import { MemoryKv } from "@cairnfs/kv/memory/memory-kv";
import { BucketService } from "@cairnfs/protocol/gen/cairn/v1/buckets_pb";
import { CoordinatorService } from "@cairnfs/protocol/gen/cairn/v1/coordinator_pb";
import { MultipartService } from "@cairnfs/protocol/gen/cairn/v1/multipart_pb";
import { ObjectService } from "@cairnfs/protocol/gen/cairn/v1/objects_pb";
import { TrashService } from "@cairnfs/protocol/gen/cairn/v1/trash_pb";
import { joinParts } from "@cairnfs/protocol/rpc/codec";
import { EncodedMessage } from "@cairnfs/protocol/rpc/encoded-message";
import type { Call } from "@cairnfs/protocol/rpc/service";
import { BadReplicaWorker } from "../../chunks/bad-replica-worker.ts";
import { ReplicaFindings } from "../../chunks/replica-findings.ts";
import type { MultipartHandlers } from "../../multipart/multipart-handlers.ts";
import type { BucketHandlers } from "../../services/bucket-handlers.ts";
import type { ObjectHandlers } from "../../services/object-handlers.ts";
import { type NamespaceService, openNamespace } from "../../services/open-namespace.ts";
import type { TrashHandlers } from "../../services/trash-handlers.ts";
import { checkInvariants } from "../check-invariants.ts";
import { DEFAULT_NAMESPACE_SETTINGS, type NamespaceSettings } from "../settings.ts";
import { FakeNodes, type TestChunk } from "./fake-nodes.ts";

type Methods = (typeof CoordinatorService)["method"];
type Name = Exclude<keyof NamespaceService["handlers"], "watchChanges">;
type Request<N extends Name> = Methods[N]["input"] extends infer I extends DescMessage
  ? MessageInitShape<I>
  : never;
type Response<N extends Name> = Methods[N]["output"] extends infer O extends DescMessage
  ? MessageShape<O>
  : never;

type TrashMethods = (typeof TrashService)["method"];
type TrashName = keyof TrashHandlers;
type TrashRequest<N extends TrashName> = MessageInitShape<TrashMethods[N]["input"]>;
type TrashResponse<N extends TrashName> = MessageShape<TrashMethods[N]["output"]>;
type BucketMethods = (typeof BucketService)["method"];
type BucketName = keyof BucketHandlers;
type BucketRequest<N extends BucketName> = MessageInitShape<BucketMethods[N]["input"]>;
type BucketResponse<N extends BucketName> = MessageShape<BucketMethods[N]["output"]>;
type ObjectMethods = (typeof ObjectService)["method"];
type ObjectName = keyof ObjectHandlers;
type ObjectRequest<N extends ObjectName> = MessageInitShape<ObjectMethods[N]["input"]>;
type ObjectResponse<N extends ObjectName> = MessageShape<ObjectMethods[N]["output"]>;
type MultipartMethods = (typeof MultipartService)["method"];
type MultipartCall = keyof MultipartHandlers;
type MultipartRequest<N extends MultipartCall> = MessageInitShape<MultipartMethods[N]["input"]>;
type MultipartResponse<N extends MultipartCall> = MessageShape<MultipartMethods[N]["output"]>;
/** What each handler is once its method is forgotten: the calls below give it that method's request, and answer in its type. */
type UnaryHandler = (request: unknown, call: Call) => Promise<MessageInitShape<DescMessage>>;

export interface TestNamespaceOptions {
  readonly kv?: KvStore;
  readonly nodes?: number;
  /** Of a namespace that was opened on the same store before. */
  readonly after?: TestNamespace;
  readonly settings?: Partial<NamespaceSettings>;
}

/** A namespace with nodes that are fakes and a clock that stands still, called as a client would. */
export class TestNamespace implements AsyncDisposable {
  readonly kv: KvStore;
  readonly clock: SimClock;
  readonly nodes: FakeNodes;
  readonly settings: NamespaceSettings;
  readonly #service: NamespaceService;
  readonly #heard: { readonly surplus: number };

  private constructor(
    kv: KvStore,
    nodes: FakeNodes,
    settings: NamespaceSettings,
    clock: SimClock,
    service: NamespaceService,
    heard: { readonly surplus: number },
  ) {
    this.kv = kv;
    this.nodes = nodes;
    this.settings = settings;
    this.clock = clock;
    this.#service = service;
    this.#heard = heard;
  }

  static async open(options: TestNamespaceOptions = {}): Promise<TestNamespace> {
    const kv = options.after?.kv ?? options.kv ?? new MemoryKv();
    const clock = options.after?.clock ?? new SimClock();
    const nodeCount = options.nodes ?? 5;
    const nodes = options.after?.nodes ?? new FakeNodes(nodeCount);
    const settings = { ...DEFAULT_NAMESPACE_SETTINGS, ...options.settings };
    const random = new Prng(1);
    const logger = silentLogger;
    const isLive = (nodeNumber: number) => nodes.isLive(nodeNumber);
    const findings = new ReplicaFindings(clock);
    const metrics = silentMetrics;
    const parts = { kv, clock, random, logger, metrics, nodes, verifier: nodes };
    const badReplicas = new BadReplicaWorker({ ...parts, bell: new Bell(clock), findings, isLive });
    const heard = { surplus: 0 };
    const service = await openNamespace({
      ...parts,
      settings,
      deleter: nodes,
      inventory: nodes,
      badReplicas,
      onSurplus: () => {
        heard.surplus += 1;
      },
      readmission: { admit: async () => 0 },
      knownNodes: { isKnown: async (_, number) => number <= nodeCount, isLive },
    });
    const workers = [...service.workers, badReplicas];
    return new TestNamespace(kv, nodes, settings, clock, { ...service, workers }, heard);
  }

  get handlers(): NamespaceService["handlers"] {
    return this.#service.handlers;
  }

  /** Calls a method with this request; `key` is its idempotency key. */
  async call<N extends Name>(name: N, init: Request<N>, key?: string): Promise<Response<N>> {
    const handler = this.#service.handlers[name] as unknown as UnaryHandler;
    const answer = await this.#answer(CoordinatorService.method[name], handler, init, key);
    return answer as Response<N>;
  }

  /** The same of the service of the trash. */
  async trash<N extends TrashName>(
    name: N,
    init: TrashRequest<N>,
    key?: string,
  ): Promise<TrashResponse<N>> {
    const handler = this.#service.trash[name] as unknown as UnaryHandler;
    const answer = await this.#answer(TrashService.method[name], handler, init, key);
    return answer as TrashResponse<N>;
  }

  /** The same of the service of buckets. */
  async bucket<N extends BucketName>(
    name: N,
    init: BucketRequest<N>,
    key?: string,
  ): Promise<BucketResponse<N>> {
    const handler = this.#service.buckets[name] as unknown as UnaryHandler;
    const answer = await this.#answer(BucketService.method[name], handler, init, key);
    return answer as BucketResponse<N>;
  }

  /** The same of the service of objects. */
  async objects<N extends ObjectName>(
    name: N,
    init: ObjectRequest<N>,
    key?: string,
  ): Promise<ObjectResponse<N>> {
    const handler = this.#service.objects[name] as unknown as UnaryHandler;
    const answer = await this.#answer(ObjectService.method[name], handler, init, key);
    return answer as ObjectResponse<N>;
  }

  /** The same of the service of uploads in parts. */
  async multiparts<N extends MultipartCall>(
    name: N,
    init: MultipartRequest<N>,
    key?: string,
  ): Promise<MultipartResponse<N>> {
    const handler = this.#service.multiparts[name] as unknown as UnaryHandler;
    const answer = await this.#answer(MultipartService.method[name], handler, init, key);
    return answer as MultipartResponse<N>;
  }

  async #answer(
    { input, output }: { readonly input: DescMessage; readonly output: DescMessage },
    handler: UnaryHandler,
    init: unknown,
    key: string | undefined,
  ): Promise<unknown> {
    const metadata = new Map(key === undefined ? [] : [["cairn-idempotency-key", key]]);
    const call: Call = { signal: new AbortController().signal, peer: "test", metadata };
    // The descriptors are those of the method, so input and output are its own.
    const request = wired(input, create(input, init as Record<string, unknown>));
    const answer = await handler(request, call);
    if (answer instanceof EncodedMessage) {
      return fromBinary(output, joinParts(answer.parts));
    }
    return wired(output, create(output, answer));
  }

  /** Puts an inline file. */
  async put(path: string, text = "x"): Promise<Response<"putFile">> {
    return this.call("putFile", { path, inlineBytes: Buffer.from(text), parents: true });
  }

  /** Uploads a file of these chunks, from begin to commit. */
  async upload(path: string, uploaded: readonly TestChunk[]): Promise<Response<"commitUpload">> {
    const { sessionId } = await this.call("beginUpload", { path, parents: true });
    const stored = await this.store(sessionId, uploaded);
    const sizeBytes = BigInt(uploaded.reduce((size, chunk) => size + chunk.lengthBytes, 0));
    return this.call("commitUpload", { sessionId, chunks: stored, sizeBytes });
  }

  /** Has nodes store chunks for a session; what the client then hands over. */
  async store(sessionId: Uint8Array, uploaded: readonly TestChunk[], firstChunkIndex = 0n) {
    if (uploaded.length === 0) return [];
    const { placements } = await this.call("leasePlacements", {
      sessionId,
      firstChunkIndex,
      count: Math.min(256, uploaded.length),
    });
    return uploaded.map((chunk, at) => {
      const placement = present(placements[at % placements.length], "a placement was leased");
      return this.nodes.store(sessionId, chunk, placement);
    });
  }

  /** The names below a directory, as listed. */
  async names(path: string): Promise<string[]> {
    const { entries } = await this.call("list", { path });
    return entries.map((entry) => entry.name);
  }

  get #workers(): readonly Worker[] {
    return [this.#service.trashWorker, this.#service.inventories, ...this.#service.workers];
  }

  worker(name: string): Worker {
    const worker = this.#workers.find((candidate) => candidate.name === name);
    return present(worker, `a worker is called ${name}`);
  }

  /** Runs one worker until it has nothing to do now. */
  async run(name: string): Promise<void> {
    const worker = this.worker(name);
    const signal = new AbortController().signal;
    while ((await worker.step(signal)) === "again");
  }

  /** How often somebody has met copies that are too many. */
  get surplusHeard(): number {
    return this.#heard.surplus;
  }

  /** Runs every worker until none has anything to do now. */
  async runAll(): Promise<void> {
    for (const worker of this.#workers) await this.run(worker.name);
  }

  /** What in the store contradicts itself. */
  violations(): Promise<string[]> {
    return this.kv.read(checkInvariants);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kv.close();
  }
}

/** A message as it comes out of the wire. */
function wired(schema: DescMessage, message: MessageShape<DescMessage>): unknown {
  return fromBinary(schema, new Uint8Array(toBinary(schema, message)));
}
