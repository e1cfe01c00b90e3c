/**
 * The kinds of failure and their HTTP status. The kind is central, the sentence is local:
 * `throw new Conflict('Image status transition from active to saving is not allowed')`.
 * Nobody else names a status of 400 or above.
 */

/** Base of every failure that has an answer of its own. `message` is one clear sentence for the client. */
export class HttpError extends Error {
  constructor(
    readonly status: number,
    message: string,
    options?: Options,
  ) {
    super(message, options)
    this.name = new.target.name
    this.headers = options?.headers ?? {}
    this.code = options?.code
  }
  /** Response headers that belong to the failure, such as Allow or WWW-Authenticate. */
  readonly headers: Record<string, string>
  /** Why bytes did not come, where the kind alone does not tell; a wrapper that knows better may say it later. */
  code: FailureCode | undefined
}

type Options = ErrorOptions & { headers?: Record<string, string>; code?: FailureCode }

/**
 * Why an upload or an import failed, in words for programs: what progress and tasks show beside the sentence. Until a
 * connection to a source stands there is one word for everything, so that nobody maps a network by imports.
 */
export const failureCodes = {
  source_unreachable: 'No connection to the source came about, whatever the reason.',
  source_refused:
    'The source answered, and gives no bytes: a status, a redirect or a login that leads nowhere.',
  source_cut: 'The source broke off, fell silent, or sent more or fewer bytes than it announced.',
  upload_cut: 'The client broke off, fell silent, or sent more or fewer bytes than it announced.',
  checksum_mismatch: 'The bytes do not have the digest that they must have.',
  format_mismatch: 'The bytes are not what `disk_format` says.',
  unsafe_image: 'The bytes fail a safety check, such as one for files that an image refers to.',
  conversion_failed: 'The bytes could not be unpacked or converted.',
  too_large: 'The bytes are more than an image may have.',
  quota_exceeded: "A limit of the project's does not allow it.",
  store_failed: 'A store did not answer, or refused.',
  store_full: 'A store has no room left.',
  cancelled: 'Somebody cancelled it.',
  image_deleted: 'The image was deleted meanwhile.',
  image_changed: 'The image changed meanwhile so that the bytes do not fit it any more.',
  interrupted: 'The server stopped while an upload ran.',
  refused: 'What was asked for is not possible; the sentence says why.',
  part_unavailable: 'A part that is needed did not answer: the database, the identity service, qemu-img.',
  internal_error: 'The server met an error that nobody foresaw; its log has the details.',
} as const
export type FailureCode = keyof typeof failureCodes

/** Defines one kind of failure: a class with a fixed status. */
function kind(status: number) {
  return class extends HttpError {
    constructor(message: string, options?: Options) {
      super(status, message, options)
    }
  }
}

/** 300: the version of the API that was asked for is not known; its body is the list of versions. */
export class MultipleChoices extends kind(300) {}
/** 400: the request itself is wrong. */
export class BadRequest extends kind(400) {}
/** 401: nobody, or nobody known, is calling. */
export class Unauthorized extends kind(401) {}
/** 403: the caller may see the thing, but not do this with it. */
export class Forbidden extends kind(403) {}
/** 404: there is no such thing, or the caller may not know of it. */
export class NotFound extends kind(404) {}
/** 405: the path exists, this verb on it does not; carries Allow. */
export class MethodNotAllowed extends kind(405) {}
/** 408: the client stopped sending. */
export class RequestTimeout extends kind(408) {}
/** 409: the state of the thing does not permit it. */
export class Conflict extends kind(409) {}
/** 410: the image went away while its bytes were coming. */
export class Gone extends kind(410) {}
/** 413: any quota, cap or limit of size. */
export class TooLarge extends kind(413) {}
/** 415: wrong media type, or content that fails inspection (Glance uses the same status for both). */
export class UnsupportedMedia extends kind(415) {}
/** 416: no such range of bytes. */
export class BadRange extends kind(416) {}
/** 429: who guesses passwords has to wait; carries Retry-After. */
export class TooManyRequests extends kind(429) {}
/** 431: a request header is too large. */
export class HeaderTooLarge extends kind(431) {}
/** 501: unknown verb on an unknown path. */
export class NotImplemented extends kind(501) {}
/** 503: a part that Vitrine needs does not answer. */
export class Unavailable extends kind(503) {}

/**
 * Vitrine can't start, or a command can't do its work, for a reason that the operator can act on. `message` is
 * for the operator: it is printed without a stack, and the exit code is 1.
 */
export class StartFailure extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
  }
}

/** A file or a group of settings that can't be used: every fault at once. Stops the start, never answers a request. */
export class Faults extends StartFailure {
  constructor(
    /** What is at fault: a file, or words such as "settings". */
    readonly subject: string,
    /** One sentence each. */
    readonly faults: readonly string[],
  ) {
    super(`${subject}:${faults.map(fault => `\n  - ${fault}`).join('')}`)
  }
}
