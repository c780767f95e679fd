import type { Clock } from "@cairnfs/base/clock";
import type { Random } from "@cairnfs/base/random";
import type { Logger } from "@cairnfs/base/telemetry";
import type { CairnClient, FileEntry } from "@cairnfs/client";
import type { KeyCache } from "../auth/key-cache.ts";
import type { SigningKeys } from "../auth/signing-keys.ts";
import type { GatewayConfig } from "../config.ts";
import type { MasterKeySource } from "../encryption/master-key-source.ts";
import type { BucketCache } from "./bucket-cache.ts";
import type { UserCache } from "./user-cache.ts";

/** Who sends a request, as authentication found. */
export type Caller = AnonymousCaller | UserCaller;

/** The request was not signed. */
export interface AnonymousCaller {
  readonly kind: "anonymous";
}

/** The request was signed with a key of this user. */
export interface UserCaller {
  readonly kind: "user";
  /** The canonical id: 64 hexadecimal digits. */
  readonly id: string;
  readonly name: string;
  /** May do everything. */
  readonly isRoot: boolean;
  /** The user's policy documents (JSON), by name. */
  readonly policies: Readonly<Record<string, string>>;
  readonly accessKeyId: string;
}

/** The payload of a request: decoded, and verified against what was signed when it is read to its end. It is read once. */
export interface RequestBody extends AsyncIterable<Uint8Array> {
  /** Of the payload, when the request says so. */
  readonly lengthBytes: number | undefined;
  /** Lower-case names; complete when the payload was read to its end. */
  readonly trailers: ReadonlyMap<string, string>;
  /** Names that the request announced as trailers, lower case. */
  readonly trailerNames: readonly string[];
}

/** Header values by lower-case name, as Latin-1 text; what came several times is joined with ", ". */
export type RequestHeaders = Readonly<Record<string, string | undefined>>;

/** A request as it came, before anybody was asked who sends it. */
export interface RawRequest {
  readonly method: string;
  /** As it stands in the request line: percent-encoded, without the query. */
  readonly rawPath: string;
  /** As it stands in the request line, without "?"; empty without one. */
  readonly rawQuery: string;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  readonly headers: RequestHeaders;
  /** Decoded; of what is given twice, the first. */
  readonly query: ReadonlyMap<string, string>;
  /** Empty: the service. */
  readonly bucket: string;
  /** Empty: the bucket. */
  readonly key: string;
  /** The name of the bucket was in the host name. */
  readonly isVirtualHosted: boolean;
  /** The body as it came, after transfer coding. Asking for its first byte tells a client that waits for it to go on. */
  readonly body: RequestBody;
  /** The address of the client. */
  readonly sourceAddress: string;
  readonly isSecure: boolean;
  /** 16 hexadecimal digits, upper case. */
  readonly requestId: string;
  /** Fires when the client is gone, or the gateway stops. */
  readonly signal: AbortSignal;
}

/** A request as operations see it: who sends it is known. */
export interface S3Request extends RawRequest {
  readonly caller: Caller;
  /** For operations that check entries: refuses the request where the caller may not read this entry. */
  readonly checkEntry?: ((entry: FileEntry | undefined) => Promise<void>) | undefined;
}

/** What is sent back. */
export interface S3Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /**
   * Text is XML unless the headers say otherwise. With an iterable the headers have a content-length or the body is chunked. Its parts
   * are good until the next one is asked for.
   */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array> | undefined;
  /** The iterable's parts stay good until each is given back by this, once it is sent: several are on their way at once. */
  readonly giveBack?: ((part: Uint8Array) => void) | undefined;
}

/** What an operation is about: the whole service, a bucket, or a key in one. */
export type OperationLevel = "service" | "bucket" | "object";

/** One thing that S3 can do: a row of the table that requests are matched against. */
export interface Operation {
  /** As AWS calls it: PutObject. */
  readonly name: string;
  readonly method: string;
  readonly level: OperationLevel;
  /** Query parameters that must be there, some with their value: "partNumber&uploadId", "list-type=2". The row with the most wins. */
  readonly query?: string;
  /** A header that must be there, lower case; wins over a row without. */
  readonly header?: string;
  /** The IAM action that is decided on, without "s3:"; several, with spaces between, are all needed. For a version that is named it is the one of versions. */
  readonly action: string;
  /** It is about several objects, or one that only its body names: it decides on each by itself. */
  readonly decidesItself?: true;
  /** It has `checkEntry` decide on the very entry it has read, `undefined` for a delete marker, before it tells anything of it. */
  readonly checksEntry?: true;
  run(request: S3Request, parts: GatewayParts): Promise<S3Reply>;
}

/** What operations work with. */
export interface GatewayParts {
  readonly client: CairnClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly config: GatewayConfig;
  readonly logger: Logger;
  /** What buckets are. Whoever changes or removes one tells it. */
  readonly buckets: BucketCache;
  /** Who owners are. */
  readonly users: UserCache;
  /** Access keys by their ids. */
  readonly keys: KeyCache;
  /** What signatures are made with. */
  readonly signingKeys: SigningKeys;
  /** The cluster's keys for what is encrypted. */
  readonly masterKeys: MasterKeySource;
}
