import type { IncomingMessage } from 'node:http'

/** A part of a multipart upload that the service has. */
export interface Part {
  part: number
  etag: string
}

/**
 * What Vitrine asks of an S3 service, and nothing more, so that every service can give it. Names are full object
 * names. Failures are as they come: `translate` makes ours of them. All but `send` are tried again by themselves when
 * that does no harm.
 */
export interface Bucket {
  get(name: string, range: string | undefined, signal?: AbortSignal): Promise<IncomingMessage>
  put(name: string, body: readonly Uint8Array[], length: number, signal?: AbortSignal): Promise<void>
  stat(name: string, signal?: AbortSignal): Promise<{ size: number }>
  /** Removes an object; a missing one is no error. */
  remove(name: string, signal?: AbortSignal): Promise<void>
  /**
   * Begins a multipart upload. It is `alone` unless an answer got lost, when there can be another one of this name that
   * nobody knows.
   */
  begin(name: string): Promise<{ upload: string; alone: boolean }>
  putPart(
    name: string,
    upload: string,
    part: number,
    body: readonly Uint8Array[],
    length: number,
    signal?: AbortSignal,
  ): Promise<Part>
  /** Makes another object of the same bucket (at most 5 GiB) a part. */
  copyPart(name: string, upload: string, part: number, from: string, signal?: AbortSignal): Promise<Part>
  complete(name: string, upload: string, parts: Part[], signal?: AbortSignal): Promise<void>
  /** Ends an upload without an object; one that is gone is no error. */
  abort(name: string, upload: string, signal?: AbortSignal): Promise<void>
  /** Unfinished uploads of exactly this name. */
  uploads(name: string, signal?: AbortSignal): Promise<string[]>
}
