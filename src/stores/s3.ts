import { AsyncLocalStorage } from 'node:async_hooks'
import { Client, type ClientOptions, IamAwsProvider } from 'minio'
import { NotFound, Unavailable } from '../errors.js'
import { assertKey, isKey } from './keys.js'
import { type Closable, refuseUnknown, type StoreKind } from './kind.js'
import { openPieces } from './pieces.js'
import type { Bucket } from './s3-bucket.js'
import { codeOf, retrying, translate } from './s3-faults.js'
import { openS3Http, type Patience } from './s3-http.js'
import { objectStream, sendObject } from './s3-read.js'
import { type Cut, clear, cut, openUpload, segmentName } from './s3-write.js'
import type { Store } from './store.js'
import { extent } from './window.js'

export interface S3Settings {
  host: string
  port: number
  tls: boolean
  bucket: string
  /** Before every key; empty or ending with a slash. */
  prefix: string
  region: string
  /** Whether the bucket is named in the path (as MinIO and Ceph want it) and not in the host name. */
  pathStyle: boolean
  /** Whether a missing bucket is made. */
  create: boolean
  /** Where anybody reaches the service, for presigned URLs. */
  public: { host: string; port: number; tls: boolean } | null
  /** Not enumerable, so that no printing shows it. Null: the AWS environment's. */
  credentials: { accessKey: string; secretKey: string } | null
}

/** `s3://KEY:SECRET@host:port/bucket/prefix`: objects of any S3 service. */
export const s3Kind: StoreKind<S3Settings> = {
  parse,
  open: (name, settings) => openS3Store(name, settings),
  // Glance's three: MiB from which an object goes up in parts, MiB of a part, parts at once
  properties: () => ({
    s3_store_large_object_size: cut.smallPart / 2 ** 20,
    s3_store_large_object_chunk_size: cut.smallPart / 2 ** 20,
    s3_store_thread_pools: cut.parallel,
  }),
}

function parse(text: string, parameters: URLSearchParams): { url: string; settings: S3Settings } {
  refuseUnknown(parameters, ['tls', 'region', 'public', 'create', 'path_style'])
  const match = /^s3:\/\/(?:([^@/]*)@)?([^@/:]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?\/([^@?#]*)$/i.exec(text)
  if (!match) {
    throw new Error(
      'is not s3://KEY:SECRET@host:port/bucket/prefix with each part percent-encoded (a / in a secret is %2F)',
    )
  }
  const [, user, host, port, path] = match as unknown as [string, string?, string?, string?, string?]
  const [bucket = '', ...folders] = path!.split('/').filter(Boolean).map(decode)
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    throw new Error('needs a bucket of 3 to 63 small letters, digits, dots and dashes')
  }
  const tls = flag(parameters, 'tls', true)
  const settings = {
    host: host!.replace(/^\[|\]$/g, ''),
    port: port === undefined ? (tls ? 443 : 80) : portOf(port),
    tls,
    bucket,
    prefix: folders.map(folder => `${folder}/`).join(''),
    region: parameters.get('region') ?? /^s3[.-]([a-z0-9-]+)\.amazonaws\.com/.exec(host!)?.[1] ?? 'us-east-1',
    pathStyle: flag(parameters, 'path_style', true),
    create: flag(parameters, 'create', false),
    public: publicOf(parameters.get('public')),
  }
  const url = `s3://${host}${port === undefined ? '' : `:${port}`}/${bucket}/${settings.prefix}`
  return {
    url,
    settings: Object.defineProperty(settings, 'credentials', {
      value: credentialsOf(user),
    }) as typeof settings & {
      credentials: S3Settings['credentials']
    },
  }
}

function credentialsOf(user: string | undefined): S3Settings['credentials'] {
  if (user === undefined) return null
  const [accessKey, secretKey, ...more] = user.split(':').map(decode)
  if (!accessKey || !secretKey || more.length > 0)
    throw new Error('needs KEY:SECRET before the @, or neither')
  return { accessKey, secretKey }
}

function publicOf(text: string | null): S3Settings['public'] {
  if (text === null) return null
  const url = URL.canParse(text) ? new URL(text) : null
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search || url.username) {
    throw new Error('has a public= that is not https://host:port')
  }
  const tls = url.protocol === 'https:'
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) || (tls ? 443 : 80), tls }
}

function portOf(text: string): number {
  const port = Number(text)
  if (port < 1 || port > 65535) throw new Error('has a port that is not between 1 and 65535')
  return port
}

function flag(parameters: URLSearchParams, name: string, initial: boolean): boolean {
  const text = parameters.get(name) ?? String(initial)
  if (text !== 'true' && text !== 'false') throw new Error(`has a ${name}= that is neither true nor false`)
  return text === 'true'
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('has a % that is not followed by two hex digits (a plain % is written %25)')
  }
}

/** What tests change: limits that S3 sets high. */
export interface S3Tuning {
  cut?: Partial<Cut>
  patience?: Partial<Patience>
  env?: NodeJS.ProcessEnv
}

/** Times that a part is sent in all, within about 13 seconds: a service may take as long to start again. */
const PART_ATTEMPTS = 7
/** MiB that all uploads of a store may hold together beyond one part each. */
const STOCK = 64

/** Opens a store in a bucket; asks nothing of the service yet. Throws Unavailable when there are no credentials. */
export async function openS3Store(
  name: string,
  settings: S3Settings,
  { cut: tuned, patience, env = process.env }: S3Tuning = {},
): Promise<Store & Closable> {
  const plan = { ...cut, ...tuned }
  const patient = { connect: 10, idle: 60, thinking: 600, repeat: 0.2, ...patience }
  const http = openS3Http(settings.tls, patient)
  const scope = new AsyncLocalStorage<AbortSignal | undefined>()
  const identity = credentials(settings, env)
  const common: Partial<ClientOptions> = {
    ...identity,
    region: settings.region,
    pathStyle: settings.pathStyle,
    retryOptions: { disableRetry: true },
  }
  const client = new Client({
    ...common,
    endPoint: settings.host,
    port: settings.port,
    useSSL: settings.tls,
    transport: {
      request: ((options: object, answer: () => void) =>
        http.transport.request(
          { ...options, signal: scope.getStore() },
          answer,
        )) as typeof http.transport.request,
    },
  })
  const outside =
    settings.public &&
    new Client({
      ...common,
      endPoint: settings.public.host,
      port: settings.public.port,
      useSSL: settings.public.tls,
    })
  const bucket = openBucket(client, settings, http, scope, patient.repeat)
  const pieces = openPieces(STOCK)
  const nameOf = (key: string) => {
    assertKey(key)
    return settings.prefix + key
  }

  /** Runs requests under a signal, and makes our kinds of what fails. */
  async function run<T>(
    key: string | undefined,
    signal: AbortSignal | undefined,
    work: () => Promise<T>,
  ): Promise<T> {
    signal?.throwIfAborted()
    try {
      return await work()
    } catch (err) {
      signal?.throwIfAborted()
      throw translate(err, key)
    }
  }

  const store: Store & Closable = {
    name,
    kind: 's3',

    async write(key, { signal } = {}) {
      const object = nameOf(key)
      signal?.throwIfAborted()
      return openUpload(bucket, { name: object, key, pieces, plan, signal })
    },

    async stat(key, signal) {
      const object = nameOf(key)
      return run(key, signal, async () => {
        try {
          return await bucket.stat(object, signal)
        } catch (err) {
          // A service gives no reason here; a missing bucket is not to make all images look lost.
          if (translate(err) instanceof NotFound && !(await exists(signal))) {
            throw new Unavailable('The bucket does not exist')
          }
          throw err
        }
      })
    },

    async read(key, window, signal) {
      const { size } = await store.stat(key, signal)
      const source = {
        bucket,
        name: nameOf(key),
        key,
        size,
        ...extent(size, window),
        signal,
        repeat: patient.repeat,
      }
      return {
        size,
        stream: () => objectStream(source),
        sendTo: sink => sendObject(source, sink),
      }
    },

    async remove(key, signal) {
      const object = nameOf(key)
      await run(key, signal, () => clear(bucket, object, signal))
    },

    async *list(signal) {
      for (let token = ''; ; ) {
        const page = await run(undefined, signal, () =>
          ask(signal, () =>
            client.listObjectsV2Query(settings.bucket, settings.prefix, token, '/', 1000, ''),
          ),
        )
        for (const { name: object, size, lastModified } of page.objects) {
          const found = object === undefined ? undefined : keyOf(object)
          if (found) yield { key: found.key, size, modified: lastModified!, finished: !found.segment }
        }
        if (!page.isTruncated) break
        token = String(page.nextContinuationToken)
      }
      for await (const upload of unfinished(signal)) yield upload
    },

    async check(signal) {
      await run(undefined, signal, async () => {
        if (await exists(signal)) return
        if (!settings.create) throw new Unavailable('The bucket does not exist')
        await ask(signal, () => client.makeBucket(settings.bucket, settings.region)).catch(err => {
          if (codeOf(err) !== 'BucketAlreadyOwnedByYou') throw err
        })
      })
    },

    async close() {
      http.close()
    },
  }

  if (outside) {
    store.presign = (key, seconds, headers = {}) => {
      const object = nameOf(key)
      const answer = Object.entries(headers).map(([header, value]) => [
        `response-${header.toLowerCase()}`,
        value,
      ])
      return run(key, undefined, () =>
        outside.presignedUrl('GET', settings.bucket, object, seconds, Object.fromEntries(answer)),
      )
    }
  }
  return store

  function ask<T>(signal: AbortSignal | undefined, request: () => Promise<T>): Promise<T> {
    return retrying(() => scope.run(signal, request), signal, patient.repeat)
  }

  function exists(signal: AbortSignal | undefined): Promise<boolean> {
    return ask(signal, () => client.bucketExists(settings.bucket))
  }

  /** The key of an object of ours, or of a segment of one. */
  function keyOf(object: string): { key: string; segment: boolean } | undefined {
    if (!object.startsWith(settings.prefix)) return undefined
    const tail = object.slice(settings.prefix.length)
    const segment = tail.endsWith(segmentName(''))
    const key = segment ? tail.slice(0, -segmentName('').length) : tail
    return isKey(key) ? { key, segment } : undefined
  }

  /** Multipart uploads under the prefix, as far as the service can tell: MinIO knows only those of a whole bucket. */
  async function* unfinished(signal: AbortSignal | undefined) {
    const seen = new Set<string>()
    for (const prefix of new Set([settings.prefix, ''])) {
      for (let marker = ''; ; ) {
        const page = await run(undefined, signal, () =>
          ask(signal, () => client.listIncompleteUploadsQuery(settings.bucket, prefix, marker, '', '')),
        )
        for (const { key: object, uploadId, initiated } of page.uploads) {
          const found = keyOf(String(object))
          if (!found || seen.has(uploadId)) continue
          seen.add(uploadId)
          yield { key: found.key, size: 0, modified: new Date(initiated), finished: false }
        }
        if (!page.isTruncated) break
        marker = String(page.nextKeyMarker)
      }
    }
  }
}

/** The bucket as the readers and writers see it. */
function openBucket(
  client: Client,
  settings: S3Settings,
  http: ReturnType<typeof openS3Http>,
  scope: AsyncLocalStorage<AbortSignal | undefined>,
  repeat: number,
): Bucket {
  const { bucket } = settings
  const binary = { 'Content-Type': 'application/octet-stream' }
  /** Seconds for which a request of our own may be begun after it was signed. */
  const valid = 3600

  function ask<T>(signal: AbortSignal | undefined, request: () => Promise<T>): Promise<T> {
    return retrying(() => scope.run(signal, request), signal, repeat)
  }
  async function abort(name: string, upload: string, signal?: AbortSignal): Promise<void> {
    await ask(signal, () => client.abortMultipartUpload(bucket, name, upload)).catch(err => {
      if (codeOf(err) !== 'NoSuchUpload') throw err
    })
  }
  async function uploads(name: string, signal?: AbortSignal): Promise<string[]> {
    const found: string[] = []
    for (let marker = ''; ; ) {
      const page = await ask(signal, () => client.listIncompleteUploadsQuery(bucket, name, marker, '', ''))
      for (const upload of page.uploads) if (String(upload.key) === name) found.push(upload.uploadId)
      if (!page.isTruncated || String(page.nextKeyMarker) > name) return found
      marker = String(page.nextKeyMarker)
    }
  }
  /** Sends bytes as they are: neither digested nor signed, which would cost more than all the rest. */
  async function send(
    url: string,
    body: readonly Uint8Array[],
    length: number,
    signal: AbortSignal | undefined,
  ): Promise<string> {
    const headers = { ...binary, 'Content-Length': length }
    const response = await http.send(url, { method: 'PUT', headers, body, signal })
    response.resume()
    return (response.headers.etag ?? '').replaceAll('"', '')
  }

  return {
    async get(name, range, signal) {
      const url = await client.presignedUrl('GET', bucket, name, valid)
      return http.send(url, { method: 'GET', headers: range ? { Range: range } : {}, signal })
    },
    async put(name, body, length, signal) {
      await retrying(
        async () => send(await client.presignedUrl('PUT', bucket, name, valid), body, length, signal),
        signal,
        repeat,
      )
    },
    async stat(name, signal) {
      const { size } = await ask(signal, () => client.statObject(bucket, name))
      return { size }
    },
    async remove(name, signal) {
      await ask(signal, () => client.removeObject(bucket, name)).catch(err => {
        if (!(translate(err) instanceof NotFound)) throw err
      })
    },
    begin: name =>
      retrying(
        async attempt => {
          const upload = await client.initiateNewMultipartUpload(bucket, name, binary)
          return { upload, alone: attempt === 1 }
        },
        undefined,
        repeat,
      ),
    putPart: (name, upload, part, body, length, signal) =>
      retrying(
        async () => {
          const query = { uploadId: upload, partNumber: String(part) }
          const etag = await send(
            await client.presignedUrl('PUT', bucket, name, valid, query),
            body,
            length,
            signal,
          )
          return { part, etag }
        },
        signal,
        repeat,
        PART_ATTEMPTS,
      ),
    copyPart: (name, upload, part, from, signal) =>
      ask(signal, async () => {
        const headers = { 'x-amz-copy-source': encodeURI(`/${bucket}/${from}`) }
        const { etag } = await client.uploadPart({
          bucketName: bucket,
          objectName: name,
          uploadID: upload,
          partNumber: part,
          headers,
        })
        return { part, etag }
      }),
    async complete(name, upload, parts, signal) {
      await ask(signal, () => client.completeMultipartUpload(bucket, name, upload, parts))
    },
    abort,
    uploads,
  }
}

/** The URL's credentials, or those that AWS's tools would take: its variables, or a role given to the container. */
function credentials(settings: S3Settings, env: NodeJS.ProcessEnv): Partial<ClientOptions> {
  if (settings.credentials) return settings.credentials
  const {
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: secretKey,
    AWS_SESSION_TOKEN: sessionToken,
  } = env
  if (accessKey && secretKey) return { accessKey, secretKey, ...(sessionToken && { sessionToken }) }
  const role =
    env.AWS_WEB_IDENTITY_TOKEN_FILE ||
    env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI ||
    env.AWS_CONTAINER_CREDENTIALS_FULL_URI
  if (role) return { credentialsProvider: new IamAwsProvider({}) }
  throw new Unavailable(
    'The store has no credentials: neither in its URL nor in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
  )
}
