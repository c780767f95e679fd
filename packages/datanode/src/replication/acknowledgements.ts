import type { MessageInitShape } from "@bufbuild/protobuf";
import { assert, present } from "@cairnfs/base/assert";
import { CairnError } from "@cairnfs/base/errors";
import type { ReceiptSchema } from "@cairnfs/protocol/gen/cairn/v1/common_pb";
import type { ReplicaFailureSchema } from "@cairnfs/protocol/gen/cairn/v1/datanode_pb";

export type ReceiptInit = MessageInitShape<typeof ReceiptSchema>;
export type ReplicaFailureInit = MessageInitShape<typeof ReplicaFailureSchema>;

/** How far one copy of a chunk is. */
type CopyState =
  | { readonly kind: "taking"; readonly takenBytes: number }
  | { readonly kind: "durable"; readonly receipt: ReceiptInit }
  | { readonly kind: "failed"; readonly error: CairnError };

export interface CopyPlan {
  /** The node that all of this happens on. Without its copy there is no success. */
  readonly ownNodeNumber: number;
  readonly replicaNodeNumbers: readonly number[];
  /** How many copies must be durable, the own one counted. */
  readonly writeQuorum: number;
}

/** Who has taken, kept or lost what of one chunk that is being stored, and whether that is enough. */
export class Acknowledgements {
  readonly #plan: CopyPlan;
  readonly #copies: Map<number, CopyState>;

  constructor(plan: CopyPlan) {
    this.#plan = plan;
    const numbers = [plan.ownNodeNumber, ...plan.replicaNodeNumbers];
    this.#copies = new Map(numbers.map((number) => [number, { kind: "taking", takenBytes: 0 }]));
    assert(this.#copies.size === numbers.length, "each node is to hold one copy");
  }

  /** Notes that a node has taken all bytes up to `takenBytes`. */
  took(nodeNumber: number, takenBytes: number): void {
    if (this.#stateOf(nodeNumber).kind !== "taking") return;
    this.#copies.set(nodeNumber, { kind: "taking", takenBytes });
  }

  keeps(nodeNumber: number, receipt: ReceiptInit): void {
    if (this.#stateOf(nodeNumber).kind !== "taking") return;
    this.#copies.set(nodeNumber, { kind: "durable", receipt });
  }

  /** Notes that a node will not have the copy. What is durable stays so. */
  lost(nodeNumber: number, error: CairnError): void {
    if (this.#stateOf(nodeNumber).kind !== "taking") return;
    this.#copies.set(nodeNumber, { kind: "failed", error });
  }

  /** What every copy that may still succeed has taken; undefined when none is still taking. */
  get takenBytes(): number | undefined {
    let least: number | undefined;
    for (const copy of this.#copies.values()) {
      if (copy.kind === "taking") least = Math.min(least ?? copy.takenBytes, copy.takenBytes);
    }
    return least;
  }

  /** Replicas of which nobody knows yet how they end. */
  get pendingReplicas(): number[] {
    return this.#plan.replicaNodeNumbers.filter(
      (number) => this.#stateOf(number).kind === "taking",
    );
  }

  get isQuorumPossible(): boolean {
    return this.#copies.size - this.#count("failed") >= this.#plan.writeQuorum;
  }

  /** Whether the own copy and enough others are durable. */
  get isQuorumMet(): boolean {
    const own = this.#stateOf(this.#plan.ownNodeNumber);
    return own.kind === "durable" && this.#count("durable") >= this.#plan.writeQuorum;
  }

  get receipts(): ReceiptInit[] {
    return [...this.#copies.values()].flatMap((copy) =>
      copy.kind === "durable" ? [copy.receipt] : [],
    );
  }

  get failures(): ReplicaFailureInit[] {
    return [...this.#copies].flatMap(([nodeNumber, copy]) =>
      copy.kind === "failed"
        ? [{ nodeNumber, reason: copy.error.reason, message: copy.error.message }]
        : [],
    );
  }

  /** Why the quorum is out of reach, with each replica's reason under its node number. */
  quorumError(): CairnError {
    const { writeQuorum } = this.#plan;
    const copiesMax = this.#copies.size - this.#count("failed");
    const reasons = this.failures.map(
      ({ nodeNumber, reason, message }) => `node ${nodeNumber}: ${reason}, ${message}`,
    );
    return new CairnError(
      "quorumNotReached",
      `at most ${copiesMax} copies can be stored, expected ${writeQuorum}: ${reasons.join("; ")}`,
      {
        details: {
          writeQuorum,
          copiesMax,
          ...Object.fromEntries(
            this.failures.map(({ nodeNumber, reason }) => [`node${nodeNumber}`, reason ?? ""]),
          ),
        },
      },
    );
  }

  #stateOf(nodeNumber: number): CopyState {
    return present(this.#copies.get(nodeNumber), `node ${nodeNumber} is not in the plan`);
  }

  #count(kind: CopyState["kind"]): number {
    let count = 0;
    for (const copy of this.#copies.values()) if (copy.kind === kind) count += 1;
    return count;
  }
}
