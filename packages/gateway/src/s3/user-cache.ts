import type { Clock } from "@cairnfs/base/clock";
import { hasReason } from "@cairnfs/base/errors";
import type { CairnClient, User } from "@cairnfs/client";

/** Who owns what was written without a signature, where the writer owns it: AWS's id for it. */
export const ANONYMOUS_ID = "65a011a29cdf8ec533ec3d1ccaae921c";

/** A user as S3 shows one. */
export interface ShownUser {
  readonly id: string;
  readonly name: string | undefined;
}

const FRESH_MS = 10_000;
const MAX_USERS = 1_000;

interface Kept {
  readonly shown: ShownUser;
  readonly readMs: number;
}

/** The names of users by their ids, as they were within the last ten seconds. */
export class UserCache {
  readonly #client: CairnClient;
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #kept = new Map<string, Kept>();
  #rootId: string | undefined;

  constructor(client: CairnClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** The canonical id of an owner as the cluster keeps it, where the root user is "". */
  async ownerId(owner: string, signal: AbortSignal): Promise<string> {
    if (owner !== "") return owner;
    this.#rootId ??= (await this.#client.access.findUser({ name: "root" }, { signal })).userId;
    return this.#rootId;
  }

  /** A user as S3 shows one; who does not exist any more has no name. */
  async shown(id: string, signal: AbortSignal): Promise<ShownUser> {
    const nowMs = this.#clock.monotonicMs();
    const kept = this.#kept.get(id);
    if (kept !== undefined && nowMs - kept.readMs < FRESH_MS) return kept.shown;
    const user = await this.find({ userId: id }, signal);
    const shown = { id, name: user?.name };
    this.#kept.delete(id);
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size < MAX_USERS) break;
      this.#kept.delete(oldest);
    }
    this.#kept.set(id, { shown, readMs: nowMs });
    return shown;
  }

  /** The user of this id or email, if there is one. */
  async find(
    choice: { readonly userId: string } | { readonly email: string },
    signal: AbortSignal,
  ): Promise<User | undefined> {
    try {
      return await this.#client.access.findUser(choice, { signal });
    } catch (error) {
      if (hasReason(error, "userNotFound", "invalidArgument")) return undefined;
      throw error;
    }
  }
}
