import type { MessageInitShape } from "@bufbuild/protobuf";
import { parseUserPolicy } from "@cairnfs/access/check-policy";
import { CairnError } from "@cairnfs/base/errors";
import type { Random } from "@cairnfs/base/random";
import type { KvReader, KvStore } from "@cairnfs/kv/kv-store";
import {
  type AccessKeySchema,
  type AccessService,
  CreateAccessKeyResponseSchema,
  CreateUserResponseSchema,
  EnsureRootKeyResponseSchema,
  type FindUserRequest,
  RemoveAccessKeyResponseSchema,
  RemoveUserResponseSchema,
  SetAccessKeyResponseSchema,
  SetUserPolicyResponseSchema,
  type UserSchema,
} from "@cairnfs/protocol/gen/cairn/v1/access_pb";
import type { ServiceHandlers } from "@cairnfs/protocol/rpc/service";
import type { Mutation } from "../namespace/mutation.ts";
import { FREES, type Mutator } from "../namespace/mutator.ts";
import { pageLimit } from "../namespace/request-limits.ts";
import { wholeNumber } from "../namespace/whole-number.ts";
import { checkPolicyName, keyPairFrom, ROOT_NAME } from "./access-names.ts";
import {
  createKey,
  ensureRootKey,
  getKey,
  listKeys,
  type NamedKey,
  removeKey,
  setKey,
} from "./keys.ts";
import {
  createUser,
  getUser,
  getUserByEmail,
  getUserById,
  listUsers,
  type NamedUser,
  removeUser,
  setUserPolicy,
} from "./users.ts";

export interface AccessParts {
  readonly kv: KvStore;
  readonly mutator: Mutator;
  readonly random: Random;
}

export type AccessHandlers = ServiceHandlers<typeof AccessService>;

/** Answers what is asked of users, their keys and their policies. */
export function accessHandlers(parts: AccessParts): AccessHandlers {
  return { ...userHandlers(parts), ...keyHandlers(parts) };
}

function userHandlers({ kv, mutator, random }: AccessParts) {
  return {
    async createUser(request, call) {
      return mutator.answer(call, CreateUserResponseSchema, 0, async ({ tx, nowMs }) => ({
        user: userMessage(await createUser(tx, request, nowMs, random)),
      }));
    },

    async listUsers({ after, limit }) {
      const page = { after, limit: pageLimit(limit) };
      const { users, nextAfter } = await kv.read((reader) => listUsers(reader, page));
      return { users: users.map(userMessage), nextAfter };
    },

    async findUser(request) {
      return { user: userMessage(await kv.read((reader) => userAskedFor(reader, request))) };
    },

    async removeUser({ name }, call) {
      const remove = async ({ tx }: Mutation) => {
        await removeUser(tx, name);
        return {};
      };
      return mutator.answer(call, RemoveUserResponseSchema, 0, remove, FREES);
    },

    async setUserPolicy({ userName, policyName, document }, call) {
      checkPolicyName(policyName);
      if (document !== "") parseUserPolicy(document);
      return mutator.answer(call, SetUserPolicyResponseSchema, 0, async ({ tx }) => ({
        user: userMessage(await setUserPolicy(tx, userName, { name: policyName, document })),
      }));
    },
  } satisfies Partial<AccessHandlers>;
}

function keyHandlers({ kv, mutator, random }: AccessParts) {
  return {
    async createAccessKey(request, call) {
      const { description } = request;
      const pair = keyPairFrom(request, random);
      const userName = request.userName === "" ? ROOT_NAME : request.userName;
      const expiresMs = wholeNumber(request.expiresMs, "expires_ms");
      const made = { ...pair, userName, description, expiresMs };
      return mutator.answer(call, CreateAccessKeyResponseSchema, 0, async ({ tx, nowMs }) => ({
        key: keyMessage(await createKey(tx, made, nowMs)),
        secretKey: pair.secretKey,
      }));
    },

    async listAccessKeys({ userName, after, limit }) {
      const page = { userName, after, limit: pageLimit(limit) };
      const { keys, nextAfter } = await kv.read((reader) => listKeys(reader, page));
      return { keys: keys.map(keyMessage), nextAfter };
    },

    async setAccessKey({ accessKeyId, isDisabled }, call) {
      return mutator.answer(call, SetAccessKeyResponseSchema, 0, async ({ tx }) => ({
        key: keyMessage(await setKey(tx, accessKeyId, isDisabled)),
      }));
    },

    async removeAccessKey({ accessKeyId }, call) {
      const remove = async ({ tx }: Mutation) => {
        await removeKey(tx, accessKeyId);
        return {};
      };
      return mutator.answer(call, RemoveAccessKeyResponseSchema, 0, remove, FREES);
    },

    async findAccessKey({ accessKeyId }) {
      return kv.read(async (reader) => {
        const found = await getKey(reader, accessKeyId);
        const owner = await getUser(reader, found.key.userName);
        return {
          key: keyMessage(found),
          secretKey: found.key.secretKey,
          user: userMessage(owner),
        };
      });
    },

    async ensureRootKey(request, call) {
      const pair = keyPairFrom(request, random);
      return mutator.answer(call, EnsureRootKeyResponseSchema, 0, async ({ tx, nowMs }) => {
        const made = await ensureRootKey(tx, pair, nowMs);
        return made === undefined ? {} : { key: keyMessage(made), secretKey: pair.secretKey };
      });
    },
  } satisfies Partial<AccessHandlers>;
}

function userAskedFor(reader: KvReader, { user }: FindUserRequest): Promise<NamedUser> {
  if (user.case === "id") return getUserById(reader, user.value);
  if (user.case === "email") return getUserByEmail(reader, user.value);
  if (user.case === "name") return getUser(reader, user.value);
  throw new CairnError("invalidArgument", "no user was named: give a name, an id or an email");
}

function userMessage({ name, user }: NamedUser): MessageInitShape<typeof UserSchema> {
  return {
    id: user.userId,
    name,
    createdMs: BigInt(user.createdMs),
    isRoot: user.isRoot,
    policies: Object.fromEntries(user.policies),
    email: user.email,
  };
}

function keyMessage({ accessKeyId, key }: NamedKey): MessageInitShape<typeof AccessKeySchema> {
  return {
    accessKeyId,
    userName: key.userName,
    createdMs: BigInt(key.createdMs),
    isDisabled: key.isDisabled,
    description: key.description,
    expiresMs: BigInt(key.expiresMs),
  };
}
