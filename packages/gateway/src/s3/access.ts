import { type AccessRules, decide, type Grant } from "@cairnfs/access/decide";
import { parsePolicy } from "@cairnfs/access/parse-policy";
import type { PolicyDocument } from "@cairnfs/access/policy-document";
import { asksFor } from "@cairnfs/access/policy-keys";
import { hasReason } from "@cairnfs/base/errors";
import type { BucketDetails, FileEntry } from "@cairnfs/client";
import { decodeAcl } from "../acl/acl.ts";
import { accessContext, addTags } from "./access-context.ts";
import {
  bucketAclGrants,
  bucketOwnerGrants,
  needsObject,
  objectAclGrants,
  objectOwnerGrants,
  strangerGrants,
} from "./access-grants.ts";
import { bucketRules, ownershipOf } from "./bucket-rules.ts";
import { S3Error } from "./errors.ts";
import type { Caller, GatewayParts, S3Request } from "./operation.ts";
import { ownerId } from "./owner.ts";

/** What somebody wants to do to a bucket, or with a key to an object. */
export interface WantedAccess {
  /** Without "s3:". */
  readonly action: string;
  readonly bucket: string;
  readonly key: string;
  readonly versionId?: string | undefined;
  /** It is about what this request is writing, not about what is there. */
  readonly isOfWrite?: boolean;
}

/** Decides for one request; what it has looked up it keeps, for all that this request wants. */
export class AccessDecider {
  readonly #request: S3Request;
  readonly #parts: GatewayParts;
  readonly #objects = new Map<string, Promise<FileEntry | undefined>>();

  constructor(request: S3Request, parts: GatewayParts) {
    this.#request = request;
    this.#parts = parts;
  }

  /**
   * Refuses, as `AccessDenied`, what the caller may not do. Who may list the bucket is told instead that an object is not there.
   */
  async require(wanted: WantedAccess): Promise<void> {
    if (await this.mayDo(wanted)) return;
    const isRead = needsObject(wanted.action) && wanted.isOfWrite !== true;
    if (isRead && (await this.#object(wanted)) === undefined) {
      const { bucket, key, versionId } = wanted;
      const mayList = await this.mayDo({ action: "ListBucket", bucket, key: "" });
      if (mayList && versionId === undefined) {
        throw new S3Error("NoSuchKey", { details: { Key: key } });
      }
    }
    throw new S3Error("AccessDenied");
  }

  /** The same, decided on this entry, which was just read there; `undefined`: a delete marker was. */
  requireOn(wanted: WantedAccess, entry: FileEntry | undefined): Promise<void> {
    this.#objects.set(objectName(wanted), Promise.resolve(entry));
    return this.require(wanted);
  }

  /** Whether who may do this depends on the object that is there. */
  async dependsOnObject(wanted: WantedAccess): Promise<boolean> {
    const bucket = await this.#parts.buckets.get(wanted.bucket);
    return this.#isObjectNeeded(wanted, bucket, bucketRules(bucket).policy);
  }

  /** Whether the caller may do this; `NoSuchBucket` when there is no such bucket. */
  async mayDo(wanted: WantedAccess): Promise<boolean> {
    const { caller } = this.#request;
    const bucket = await this.#parts.buckets.get(wanted.bucket);
    const { policy, isPolicyPublic, block } = bucketRules(bucket);
    const isRoot = caller.kind === "user" && caller.isRoot;
    if (isRoot && policy === undefined) return true;
    const owner = await this.#parts.users.ownerId(bucket.owner, this.#request.signal);
    const object = this.#isObjectNeeded(wanted, bucket, policy)
      ? await this.#object(wanted)
      : undefined;
    const isStranger = caller.kind === "anonymous" || (caller.id !== owner && !isRoot);
    const resourcePolicy =
      policy !== undefined && isPolicyPublic && block.restrictPublicBuckets && isStranger
        ? { ...policy, statements: policy.statements.filter(({ effect }) => effect === "deny") }
        : policy;
    const grants = await this.#grants(wanted, bucket, owner, object);
    return this.#decide(
      wanted,
      { identityPolicies: policiesOf(caller), resourcePolicy, grants },
      object,
    );
  }

  /** The same of what is about no bucket that is there: making one, or listing them. */
  mayDoInService(action: string, bucket: string, grants: readonly Grant[]): boolean {
    const identityPolicies = policiesOf(this.#request.caller);
    return this.#decide({ action, bucket, key: "" }, { identityPolicies, grants }, undefined);
  }

  #decide(wanted: WantedAccess, rules: AccessRules, object: FileEntry | undefined): boolean {
    const { caller } = this.#request;
    const context = accessContext(this.#request, this.#parts);
    if (object?.object !== undefined) addTags(context, "s3:ExistingObjectTag", object.object.tags);
    const { bucket, key, action } = wanted;
    const resource = `arn:aws:s3:::${bucket || "*"}${key === "" ? "" : `/${key}`}`;
    const principal = caller.kind === "anonymous" ? caller : principalOf(caller);
    return (
      decide({ principal, action: `s3:${action}`, resource, context }, rules).effect === "allow"
    );
  }

  async #grants(
    wanted: WantedAccess,
    bucket: BucketDetails,
    owner: string,
    object: FileEntry | undefined,
  ): Promise<readonly Grant[]> {
    const { caller, signal } = this.#request;
    const { ignorePublicAcls } = bucketRules(bucket).block;
    const isEnforced = ownershipOf(bucket, this.#parts.config) === "BucketOwnerEnforced";
    const isOfWrite = wanted.isOfWrite === true;
    const isMissing = needsObject(wanted.action) && (isOfWrite || object === undefined);
    const grants = [...bucketOwnerGrants(owner, wanted.action, isEnforced || isMissing)];
    if (isEnforced) return grants;
    const acl = decodeAcl(bucket.documents.get("acl"), owner);
    grants.push(...bucketAclGrants(acl, ignorePublicAcls));
    if (isOfWrite && caller.kind === "user") grants.push(...objectOwnerGrants(caller.id));
    if (isOfWrite && caller.kind === "anonymous") grants.push(...strangerGrants());
    if (object === undefined) return grants;
    const kept = object.object;
    const objectOwner = await this.#parts.users.ownerId(kept?.owner ?? bucket.owner, signal);
    grants.push(...objectOwnerGrants(objectOwner));
    grants.push(...objectAclGrants(decodeAcl(kept?.acl, objectOwner), ignorePublicAcls));
    return grants;
  }

  /** Only what decides by the object's owner, ACL or tags has to know it. */
  #isObjectNeeded(
    { action, key, isOfWrite }: WantedAccess,
    bucket: BucketDetails,
    policy: PolicyDocument | undefined,
  ): boolean {
    if (key === "") return false;
    const { caller } = this.#request;
    const policies = [...policiesOf(caller), ...(policy === undefined ? [] : [policy])];
    if (policies.some((one) => asksFor(one, "s3:ExistingObjectTag/"))) return true;
    if (isOfWrite === true || (caller.kind === "user" && caller.isRoot)) return false;
    return needsObject(action) && ownershipOf(bucket, this.#parts.config) !== "BucketOwnerEnforced";
  }

  #object(wanted: WantedAccess): Promise<FileEntry | undefined> {
    const name = objectName(wanted);
    const { bucket, key, versionId } = wanted;
    const known = this.#objects.get(name) ?? this.#stat(bucket, key, versionId);
    this.#objects.set(name, known);
    return known;
  }

  async #stat(
    bucket: string,
    key: string,
    versionId: string | undefined,
  ): Promise<FileEntry | undefined> {
    const { signal } = this.#request;
    try {
      return (await this.#parts.client.objects.stat(bucket, key, { versionId, signal })).entry;
    } catch (error) {
      if (hasReason(error, ...MISSING)) return undefined;
      throw error;
    }
  }
}

function objectName({ bucket, key, versionId }: WantedAccess): string {
  return JSON.stringify([bucket, key, versionId]);
}

const MISSING = [
  "pathNotFound",
  "versionNotFound",
  "notADirectory",
  "isADirectory",
  "invalidPath",
  "invalidArgument",
] as const;

/** Key records are kept for a second and name the same policies: they are read once. */
const READ = new WeakMap<Readonly<Record<string, string>>, readonly PolicyDocument[]>();

function policiesOf(caller: Caller): readonly PolicyDocument[] {
  if (caller.kind === "anonymous") return [];
  const known = READ.get(caller.policies);
  if (known !== undefined) return known;
  const policies = Object.values(caller.policies).map(parsePolicy);
  READ.set(caller.policies, policies);
  return policies;
}

function principalOf({ id, name, isRoot }: Extract<Caller, { readonly kind: "user" }>) {
  return { kind: "user", id, name, isRoot } as const;
}

/** Whether the caller is the owner that a record names. */
export function isOwner(caller: Caller, owner: string): boolean {
  return caller.kind === "user" && ownerId(caller) === owner;
}
