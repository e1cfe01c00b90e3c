import type { Readable, Writable } from 'node:stream'

/** Bytes `start` up to and including `end` of an object, both counted from 0. */
export interface Window {
  start: number
  end: number
}

/** What a store gives back for a read; nothing is transferred before `stream` or `sendTo` is called, once. */
export interface StoredBytes {
  /** Bytes of the whole object. */
  size: number
  /** The asked-for bytes as a stream; destroying it frees what it holds. */
  stream(): Readable
  /**
   * Sends the asked-for bytes into `sink` at the store's best speed, respecting its back-pressure, and resolves
   * when the last of them has been handed over. Does not end the sink. Rejects when the store or the sink fails.
   */
  sendTo(sink: Writable): Promise<void>
}

/** A store whose objects others put there, such as a web server. */
export interface ReadOnlyStore {
  /** The operator's name of the store, Glance's store id. */
  readonly name: string
  readonly kind: string
  /** Opens an object, or the window of it. Throws NotFound when there is none, Unavailable when the store does not answer. */
  read(key: string, window?: Window, signal?: AbortSignal): Promise<StoredBytes>
  /** Bytes of an object. Throws NotFound, Unavailable. */
  stat(key: string, signal?: AbortSignal): Promise<{ size: number }>
  /** Resolves when the store can be reached and used; throws Unavailable with the reason when not. */
  check(signal?: AbortSignal): Promise<void>
}

/** An object in the making: nothing is visible under its key until `commit` has resolved. */
export interface ObjectWriter {
  /**
   * Takes the next bytes in order. Resolves when the memory of `chunk` may be used again. Several writes may be
   * outstanding; the writer slows the caller down by resolving late.
   */
  write(chunk: Uint8Array): Promise<void>
  /** Makes the object visible and durable (flushed to disk, parts completed). */
  commit(): Promise<void>
  /** Leaves nothing behind; may be called at any time before commit has resolved, also twice. */
  cancel(): Promise<void>
}

/** A store that Vitrine writes to. Every method takes a signal that stops it at once. */
export interface Store extends ReadOnlyStore {
  /**
   * Opens a new object under a key that was never used before. `size` (bytes) is a hint when it is known.
   * Throws Unavailable when the store refuses writes, TooLarge when it is full (also from write and commit).
   */
  write(key: string, options?: { size?: number; signal?: AbortSignal }): Promise<ObjectWriter>
  /** Removes an object and whatever an unfinished write under the key left; a missing one is no error. */
  remove(key: string, signal?: AbortSignal): Promise<void>
  /** Objects and unfinished writes under the store's prefix, each with the time of its last change. */
  list(signal?: AbortSignal): AsyncIterable<{ key: string; size: number; modified: Date; finished: boolean }>
  /** A URL that gives the object to anybody for `seconds`, where the store has a public endpoint. */
  presign?(key: string, seconds: number, headers?: Record<string, string>): Promise<string>
}

/**
 * A fresh object key for one attempt to store an image's bytes: a late loser overwrites nobody. Image ids are
 * UUID text, which Glance's rules guarantee, so the key needs no escaping.
 */
export function newKey(imageId: string, attempt: string): string {
  return `${imageId}.${attempt}`
}
