import type { Readable, Writable } from 'node:stream'
import { HttpError, NotFound, TooLarge, Unavailable } from '../errors.js'
import type { ObjectWriter, ReadOnlyStore, Store, StoredBytes } from './store.js'

/** What happens in a store, for metrics. All are called synchronously and must not throw. */
export interface StoreHooks {
  /** An operation ended: its name, its seconds, and whether it failed for a reason of the store's (not a missing object). */
  operation?(store: string, operation: string, seconds: number, failed: boolean): void
  /** Bytes went to a store (`in`) or came from it (`out`). */
  bytes?(store: string, direction: 'in' | 'out', count: number): void
}

/** A store whose errors begin with its name, and whose operations and bytes are told to the hooks. */
export function watched<S extends ReadOnlyStore>(store: S, hooks: StoreHooks = {}): S {
  const { name } = store

  async function watch<T>(operation: string, run: () => Promise<T>): Promise<T> {
    const began = performance.now()
    const tell = (failed: boolean) =>
      hooks.operation?.(name, operation, (performance.now() - began) / 1000, failed)
    try {
      const result = await run()
      tell(false)
      return result
    } catch (err) {
      tell(!(err instanceof HttpError) || err.status >= 500)
      throw named(err, name)
    }
  }

  function watchedBytes(bytes: StoredBytes, length: number): StoredBytes {
    return {
      size: bytes.size,
      stream() {
        const stream: Readable = bytes.stream()
        stream.on('error', err => named(err, name))
        if (hooks.bytes) stream.on('end', () => hooks.bytes!(name, 'out', length))
        return stream
      },
      sendTo: (sink: Writable) =>
        watch('send', () => bytes.sendTo(sink)).then(() => hooks.bytes?.(name, 'out', length)),
    }
  }

  const reading: ReadOnlyStore = {
    name,
    kind: store.kind,
    read: (key, window, signal) =>
      watch('read', async () => {
        const bytes = await store.read(key, window, signal)
        return watchedBytes(bytes, window ? window.end - window.start + 1 : bytes.size)
      }),
    stat: (key, signal) => watch('stat', () => store.stat(key, signal)),
    check: signal => watch('check', () => store.check(signal)),
  }
  if (!isWritable(store)) return reading as S

  const { presign } = store
  const writing: Store = {
    ...reading,
    write: (key, options) =>
      watch('write', async () => {
        const writer = await store.write(key, options)
        const seen: ObjectWriter = {
          write: chunk => {
            const { length } = chunk
            return writer.write(chunk).then(
              () => hooks.bytes?.(name, 'in', length),
              err => {
                throw named(err, name)
              },
            )
          },
          commit: () => watch('commit', () => writer.commit()),
          cancel: () => watch('cancel', () => writer.cancel()),
        }
        return seen
      }),
    remove: (key, signal) => watch('remove', () => store.remove(key, signal)),
    async *list(signal) {
      try {
        yield* store.list(signal)
      } catch (err) {
        throw named(err, name)
      }
    },
    ...(presign && {
      presign: (key, seconds, headers) => watch('presign', () => presign(key, seconds, headers)),
    }),
  }
  return writing as ReadOnlyStore as S
}

/** Whether Vitrine can put objects into a store. */
export function isWritable(store: ReadOnlyStore): store is Store {
  return 'write' in store
}

/**
 * The same error with the store's name before its sentence, and the word for what is the store's fault. A reader's or a
 * signal's own errors stay as they are.
 */
function named(err: unknown, name: string): unknown {
  const prefix = `Store ${name}: `
  if (!(err instanceof HttpError) || err.code === 'cancelled' || err.code === 'image_deleted') return err
  if (!err.message.startsWith(prefix)) err.message = prefix + err.message
  if (err instanceof TooLarge) err.code ??= 'store_full'
  if (err instanceof Unavailable || err instanceof NotFound) err.code ??= 'store_failed'
  return err
}
