import { CairnError } from "@cairnfs/base/errors";
import type {
  AccessKey as AccessKeyMessage,
  FindUserRequest,
  User as UserMessage,
} from "@cairnfs/protocol/gen/cairn/v1/access_pb";
import type { CallerOptions } from "./client-options.ts";
import type { CoordinatorCalls } from "./coordinator-calls.ts";
import { count, countUnlessZero } from "./entry.ts";

/** Somebody who may be allowed something. */
export interface User {
  /** Stable; 64 hexadecimal digits, S3's canonical id. */
  readonly userId: string;
  readonly name: string;
  readonly createdMs: number;
  /** May do everything. */
  readonly isRoot: boolean;
  readonly email: string | undefined;
  /** IAM policy documents (JSON) by their names. */
  readonly policies: Readonly<Record<string, string>>;
}

/** A key of a user, without its secret. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly userName: string;
  readonly createdMs: number;
  readonly isDisabled: boolean;
  readonly description: string;
  /** `undefined`: never. */
  readonly expiresMs: number | undefined;
}

/** A key that was just made, with its secret, which nobody is told again. */
export interface NewAccessKey extends AccessKey {
  readonly secretKey: string;
}

/** What a door needs to verify a request. It looks itself whether the key is disabled or expired. */
export interface FoundAccessKey {
  readonly key: AccessKey;
  readonly secretKey: string;
  readonly user: User;
}

/** A key of the cluster, of 32 bytes, that keys of contents are encrypted under. */
export interface MasterKey {
  readonly number: number;
  readonly key: Uint8Array;
}

export interface CreateUserOptions extends CallerOptions {
  readonly email?: string | undefined;
}

/** A pair that was made elsewhere. */
export interface KnownKeyPair {
  readonly accessKeyId: string;
  readonly secretKey: string;
}

export interface CreateKeyOptions extends CallerOptions {
  /** Whose key; the root user's unless given. */
  readonly userName?: string | undefined;
  /** What it is to be; a fresh one unless given. */
  readonly pair?: KnownKeyPair | undefined;
  readonly description?: string | undefined;
  readonly expiresMs?: number | undefined;
}

export interface ListKeysOptions extends CallerOptions {
  /** Only this user's. */
  readonly userName?: string | undefined;
}

export interface EnsureRootKeyOptions extends CallerOptions {
  /** What it is to be when it is made; a fresh one unless given. */
  readonly pair?: KnownKeyPair | undefined;
}

/** A user is found by its name, its id or its email. */
export type UserChoice =
  | { readonly name: string }
  | { readonly userId: string }
  | { readonly email: string };

const NO_PAIR: KnownKeyPair = { accessKeyId: "", secretKey: "" };

/** Users, their access keys and their policies, by which all doors decide. */
export class Access {
  readonly #calls: CoordinatorCalls;

  constructor(calls: CoordinatorCalls) {
    this.#calls = calls;
  }

  /** Makes a user, who may do nothing with what others own. `userExists` when the name or the email is taken. */
  async createUser(name: string, options: CreateUserOptions = {}): Promise<User> {
    const { signal, email = "" } = options;
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.access.createUser({ name, email }, callOptions),
    );
    return userFromWire(reply.user);
  }

  /** `userNotFound` when there is none. */
  async findUser(choice: UserChoice, { signal }: CallerOptions = {}): Promise<User> {
    const user = choiceToWire(choice);
    const reply = await this.#calls.ask(signal, (client, options) =>
      client.access.findUser({ user }, options),
    );
    return userFromWire(reply.user);
  }

  /**
   * The key of the cluster that doors encrypt the keys of contents under: the newest, or the one of this number. A key never changes.
   */
  async masterKey({
    number = 0,
    signal,
  }: CallerOptions & { readonly number?: number | undefined } = {}): Promise<MasterKey> {
    const reply = await this.#calls.ask(signal, (client, options) =>
      client.encryption.getMasterKey({ number }, options),
    );
    return { number: reply.number, key: reply.key };
  }

  /** All users, by name. */
  async *listUsers({ signal }: CallerOptions = {}): AsyncGenerator<User, void, undefined> {
    let after = "";
    do {
      const from = after;
      const reply = await this.#calls.ask(signal, (client, options) =>
        client.access.listUsers({ after: from }, options),
      );
      yield* reply.users.map(userFromWire);
      after = reply.nextAfter;
    } while (after !== "");
  }

  /** Removes a user and its keys; what it owns stays. The root user stays too. */
  async removeUser(name: string, { signal }: CallerOptions = {}): Promise<void> {
    await this.#calls.change(signal, (client, options) =>
      client.access.removeUser({ name }, options),
    );
  }

  /** Gives a user a policy, replacing one of the same name; `undefined` takes it away. `malformedPolicy` when it is none. */
  async setUserPolicy(
    userName: string,
    policyName: string,
    document: string | undefined,
    { signal }: CallerOptions = {},
  ): Promise<User> {
    const request = { userName, policyName, document: document ?? "" };
    const reply = await this.#calls.change(signal, (client, options) =>
      client.access.setUserPolicy(request, options),
    );
    return userFromWire(reply.user);
  }

  /** Makes an access key. Its secret is in the answer and never told again. */
  async createKey(options: CreateKeyOptions = {}): Promise<NewAccessKey> {
    const { signal, userName = "", pair = NO_PAIR, description = "", expiresMs = 0 } = options;
    const request = { userName, ...pair, description, expiresMs: BigInt(expiresMs) };
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.access.createAccessKey(request, callOptions),
    );
    return { ...keyFromWire(reply.key), secretKey: reply.secretKey };
  }

  /** The keys by their ids. */
  async *listKeys(options: ListKeysOptions = {}): AsyncGenerator<AccessKey, void, undefined> {
    const { signal, userName = "" } = options;
    let after = "";
    do {
      const from = after;
      const reply = await this.#calls.ask(signal, (client, callOptions) =>
        client.access.listAccessKeys({ userName, after: from }, callOptions),
      );
      yield* reply.keys.map(keyFromWire);
      after = reply.nextAfter;
    } while (after !== "");
  }

  /** Disables a key, or enables it again. */
  async setKey(
    accessKeyId: string,
    { isDisabled, signal }: CallerOptions & { readonly isDisabled: boolean },
  ): Promise<AccessKey> {
    const reply = await this.#calls.change(signal, (client, options) =>
      client.access.setAccessKey({ accessKeyId, isDisabled }, options),
    );
    return keyFromWire(reply.key);
  }

  async removeKey(accessKeyId: string, { signal }: CallerOptions = {}): Promise<void> {
    await this.#calls.change(signal, (client, options) =>
      client.access.removeAccessKey({ accessKeyId }, options),
    );
  }

  /** A key with its secret and its user, for a door that verifies; `accessKeyNotFound`. */
  async findKey(accessKeyId: string, { signal }: CallerOptions = {}): Promise<FoundAccessKey> {
    const reply = await this.#calls.ask(signal, (client, options) =>
      client.access.findAccessKey({ accessKeyId }, options),
    );
    return {
      key: keyFromWire(reply.key),
      secretKey: reply.secretKey,
      user: userFromWire(reply.user),
    };
  }

  /** Makes the root user's first key; `undefined` when there was one before, also if it is gone. */
  async ensureRootKey(options: EnsureRootKeyOptions = {}): Promise<NewAccessKey | undefined> {
    const { signal, pair = NO_PAIR } = options;
    const reply = await this.#calls.change(signal, (client, callOptions) =>
      client.access.ensureRootKey({ ...pair }, callOptions),
    );
    if (reply.key === undefined) return undefined;
    return { ...keyFromWire(reply.key), secretKey: reply.secretKey };
  }
}

function choiceToWire(choice: UserChoice): FindUserRequest["user"] {
  if ("name" in choice) return { case: "name", value: choice.name };
  if ("userId" in choice) return { case: "id", value: choice.userId };
  return { case: "email", value: choice.email };
}

function userFromWire(user: UserMessage | undefined): User {
  if (user === undefined) throw new CairnError("protocolViolation", "the answer has no user");
  return {
    userId: user.id,
    name: user.name,
    createdMs: count(user.createdMs),
    isRoot: user.isRoot,
    email: user.email === "" ? undefined : user.email,
    policies: user.policies,
  };
}

function keyFromWire(key: AccessKeyMessage | undefined): AccessKey {
  if (key === undefined) throw new CairnError("protocolViolation", "the answer has no access key");
  return {
    accessKeyId: key.accessKeyId,
    userName: key.userName,
    createdMs: count(key.createdMs),
    isDisabled: key.isDisabled,
    description: key.description,
    expiresMs: countUnlessZero(key.expiresMs),
  };
}
