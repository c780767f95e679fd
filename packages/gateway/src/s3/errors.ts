interface ErrorRow {
  readonly status: number;
  readonly message: string;
}

const row = (status: number, message: string): ErrorRow => ({ status, message });

/**
 * Every error that the gateway answers with: the code is what clients decide by, the message is AWS's wording where there is
 * one. Rows are added, never renamed.
 */
export const S3_ERRORS = {
  AccessControlListNotSupported: row(400, "The bucket does not allow ACLs"),
  AccessDenied: row(403, "Access Denied"),
  AccessForbidden: row(403, "CORSResponse: This CORS request is not allowed."),
  AuthorizationHeaderMalformed: row(400, "The authorization header you provided is invalid."),
  AuthorizationQueryParametersError: row(400, "Error parsing the query parameters"),
  BadDigest: row(400, "The Content-MD5 or checksum you specified did not match what we received."),
  BadRequest: row(400, "Bad Request"),
  BucketAlreadyExists: row(
    409,
    "The requested bucket name is not available. The bucket namespace is shared by all users of the system. Please select a different name and try again.",
  ),
  BucketAlreadyOwnedByYou: row(
    409,
    "Your previous request to create the named bucket succeeded and you already own it.",
  ),
  BucketNotEmpty: row(409, "The bucket you tried to delete is not empty"),
  ClientClosedRequest: row(499, "The client closed the connection before the answer."),
  ConditionalRequestConflict: row(
    409,
    "The conditional request cannot succeed due to a conflicting operation against this resource.",
  ),
  EntityTooLarge: row(400, "Your proposed upload exceeds the maximum allowed size"),
  EntityTooSmall: row(400, "Your proposed upload is smaller than the minimum allowed size"),
  IllegalVersioningConfigurationException: row(400, "The Versioning element must be specified"),
  IncompleteBody: row(
    400,
    "You did not provide the number of bytes specified by the Content-Length HTTP header",
  ),
  InternalError: row(500, "We encountered an internal error. Please try again."),
  InvalidAccessKeyId: row(403, "The AWS Access Key Id you provided does not exist in our records."),
  InvalidArgument: row(400, "Invalid Argument"),
  InvalidBucketAclWithObjectOwnership: row(
    400,
    "Bucket cannot have ACLs set with ObjectOwnership's BucketOwnerEnforced setting",
  ),
  InvalidBucketName: row(400, "The specified bucket is not valid."),
  InvalidBucketState: row(409, "The request is not valid for the current state of the bucket."),
  InvalidChunkSizeError: row(
    403,
    "Only the last chunk is allowed to have a size less than 8192 bytes",
  ),
  InvalidDigest: row(400, "The Content-MD5 you specified was invalid."),
  InvalidEncryptionAlgorithmError: row(
    400,
    "The encryption request that you specified is not valid.",
  ),
  InvalidLocationConstraint: row(400, "The specified location-constraint is not valid"),
  InvalidObjectState: row(403, "The operation is not valid for the object's storage class"),
  InvalidPart: row(
    400,
    "One or more of the specified parts could not be found.  The part may not have been uploaded, or the specified entity tag may not match the part's entity tag.",
  ),
  InvalidPartNumber: row(416, "The requested partnumber is not satisfiable"),
  InvalidPartOrder: row(
    400,
    "The list of parts was not in ascending order. Parts must be ordered by part number.",
  ),
  InvalidPolicyDocument: row(400, "The content of the form does not meet the conditions."),
  InvalidRange: row(416, "The requested range is not satisfiable"),
  InvalidRedirectLocation: row(
    400,
    "The website redirect location must have a prefix of 'http://' or 'https://' or '/'.",
  ),
  InvalidRequest: row(400, "Invalid Request"),
  InvalidRetentionPeriod: row(400, "The retention period must be a positive integer value."),
  InvalidStorageClass: row(400, "The storage class you specified is not valid"),
  InvalidTag: row(400, "The tag provided was not a valid tag."),
  InvalidTargetBucketForLogging: row(400, "The target bucket for logging does not exist"),
  InvalidToken: row(400, "The provided token is malformed or otherwise invalid."),
  InvalidURI: row(400, "Couldn't parse the specified URI."),
  InvalidWriteOffset: row(
    400,
    "The write offset value that you specified does not match the current object size.",
  ),
  KeyTooLongError: row(400, "Your key is too long"),
  MalformedACLError: row(
    400,
    "The XML you provided was not well-formed or did not validate against our published schema",
  ),
  MalformedPOSTRequest: row(
    400,
    "The body of your POST request is not well-formed multipart/form-data.",
  ),
  MalformedPolicy: row(400, "This policy contains invalid Json"),
  MalformedTrailerError: row(
    400,
    "The request contained trailing data that was not well-formed or did not conform to our published schema.",
  ),
  MalformedXML: row(
    400,
    "The XML you provided was not well-formed or did not validate against our published schema",
  ),
  MaxMessageLengthExceeded: row(400, "Your request was too big."),
  MaxPostPreDataLengthExceededError: row(
    400,
    "Your POST request fields preceding the upload file were too large.",
  ),
  MetadataTooLarge: row(400, "Your metadata headers exceed the maximum allowed metadata size"),
  MethodNotAllowed: row(405, "The specified method is not allowed against this resource."),
  MissingContentLength: row(411, "You must provide the Content-Length HTTP header."),
  MissingRequestBodyError: row(400, "Request Body is empty"),
  MissingSecurityHeader: row(400, "Your request was missing a required header"),
  NoSuchBucket: row(404, "The specified bucket does not exist"),
  NoSuchBucketPolicy: row(404, "The bucket policy does not exist"),
  NoSuchCORSConfiguration: row(404, "The CORS configuration does not exist"),
  NoSuchKey: row(404, "The specified key does not exist."),
  NoSuchLifecycleConfiguration: row(404, "The lifecycle configuration does not exist"),
  NoSuchObjectLockConfiguration: row(
    404,
    "The specified object does not have a ObjectLock configuration",
  ),
  NoSuchPublicAccessBlockConfiguration: row(
    404,
    "The public access block configuration was not found",
  ),
  NoSuchTagSet: row(404, "The TagSet does not exist"),
  NoSuchUpload: row(
    404,
    "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted or completed.",
  ),
  NoSuchVersion: row(404, "The specified version does not exist."),
  NoSuchWebsiteConfiguration: row(
    404,
    "The specified bucket does not have a website configuration",
  ),
  NotImplemented: row(
    501,
    "A header or query you provided requested a function that is not implemented.",
  ),
  NotModified: row(304, "Not Modified"),
  ObjectLockConfigurationNotFoundError: row(
    404,
    "Object Lock configuration does not exist for this bucket",
  ),
  OperationAborted: row(
    409,
    "A conflicting conditional operation is currently in progress against this resource. Please try again.",
  ),
  OwnershipControlsNotFoundError: row(404, "The bucket ownership controls were not found"),
  PreconditionFailed: row(412, "At least one of the pre-conditions you specified did not hold"),
  ReplicationConfigurationNotFoundError: row(404, "The replication configuration was not found"),
  RequestHeaderSectionTooLarge: row(
    400,
    "Your request header section exceeds the maximum allowed size.",
  ),
  RequestTimeTooSkewed: row(
    403,
    "The difference between the request time and the current time is too large.",
  ),
  RequestTimeout: row(
    400,
    "Your socket connection to the server was not read from or written to within the timeout period.",
  ),
  ServerSideEncryptionConfigurationNotFoundError: row(
    404,
    "The server side encryption configuration was not found",
  ),
  ServiceUnavailable: row(503, "Service is unable to handle request."),
  SignatureDoesNotMatch: row(
    403,
    "The request signature we calculated does not match the signature you provided. Check your key and signing method.",
  ),
  SlowDown: row(503, "Please reduce your request rate."),
  UnexpectedContent: row(400, "This request does not support content"),
  UnresolvableGrantByEmailAddress: row(
    400,
    "The email address you provided does not match any account on record.",
  ),
  UserKeyMustBeSpecified: row(
    400,
    "The bucket POST must contain the specified field name. If it is specified, please check the order of the fields.",
  ),
  XAmzContentSHA256Mismatch: row(
    400,
    "The provided 'x-amz-content-sha256' header does not match what was computed.",
  ),
  StorageFull: row(507, "The cluster has no room for what you sent."),
} as const satisfies Record<string, ErrorRow>;
export type S3ErrorCode = keyof typeof S3_ERRORS;

export interface S3ErrorOptions {
  /** Instead of the code's own message. */
  readonly message?: string | undefined;
  /** Elements beside the code and the message: `{ ArgumentName: "partNumber", ArgumentValue: "0" }`. */
  readonly details?: Readonly<Record<string, string>> | undefined;
  /** Sent with the error. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Where a code has another status than usual. */
  readonly status?: number | undefined;
  readonly cause?: unknown;
}

/** What a request is refused with; it becomes the reply as it is. */
export class S3Error extends Error {
  override readonly name = "S3Error";
  readonly code: S3ErrorCode;
  readonly status: number;
  readonly details: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: S3ErrorCode, options: S3ErrorOptions = {}) {
    super(
      options.message ?? S3_ERRORS[code].message,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = code;
    this.status = options.status ?? S3_ERRORS[code].status;
    this.details = options.details ?? {};
    this.headers = options.headers ?? {};
  }

  /** The same error, whose reply has these headers too. */
  withHeaders(headers: Readonly<Record<string, string>>): S3Error {
    const { message, details, status, cause } = this;
    return new S3Error(this.code, {
      message,
      details,
      status,
      cause,
      headers: { ...headers, ...this.headers },
    });
  }
}

/** The usual refusal of an argument: which one, what it was, and what is wrong with it. */
export function invalidArgument(name: string, value: string, message: string): S3Error {
  return new S3Error("InvalidArgument", {
    message,
    details: { ArgumentName: name, ArgumentValue: value },
  });
}
