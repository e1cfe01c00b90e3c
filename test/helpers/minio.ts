import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** An S3 service to test against. */
export interface S3Service {
  host: string
  port: number
  accessKey: string
  secretKey: string
  /** The text of a store of this service, as VITRINE_STORES has it. */
  url(bucket: string, parameters?: string): string
  /** Files of open multipart uploads on its disk; undefined where its disk is out of sight. */
  openUploads?(): Promise<string[]>
  /** Ends it as a crash would. */
  kill?(): Promise<void>
  /** Starts it again on the same port and data. */
  restart?(): Promise<void>
  stop(): Promise<void>
}

/** The MinIO binary: `.cache/minio` in the repository (see scripts/get-minio) or one on PATH. */
export function findMinio(): string | undefined {
  const folders = [path.resolve('.cache'), ...(process.env.PATH ?? '').split(path.delimiter)]
  return folders
    .map(folder => path.join(folder, 'minio'))
    .find(file => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** Why there is no S3 to test against, or undefined when there is. Throws when VITRINE_TEST_REQUIRE_S3 wants one. */
export function missingS3(): string | undefined {
  if (process.env.VITRINE_TEST_S3_URL || findMinio()) return undefined
  if (process.env.VITRINE_TEST_REQUIRE_S3 === '1') {
    throw new Error('VITRINE_TEST_REQUIRE_S3 is set, and there is neither VITRINE_TEST_S3_URL nor a MinIO')
  }
  return 'no S3: set VITRINE_TEST_S3_URL (http://KEY:SECRET@host:port) or run scripts/get-minio'
}

/** The service of VITRINE_TEST_S3_URL, or else a MinIO of our own. */
export async function openS3(): Promise<S3Service> {
  const given = process.env.VITRINE_TEST_S3_URL
  return given ? external(new URL(given)) : startMinio()
}

function external(url: URL): S3Service {
  const tls = url.protocol === 'https:'
  return {
    host: url.hostname,
    port: Number(url.port) || (tls ? 443 : 80),
    accessKey: decodeURIComponent(url.username),
    secretKey: decodeURIComponent(url.password),
    url: (bucket, parameters = '') =>
      `s3://${url.username}:${url.password}@${url.host}/${bucket}?tls=${tls}&create=true&${parameters}`,
    stop: async () => {},
  }
}

/** Starts MinIO on a free port and an empty folder. `stop` ends it by its process id and removes the folder. */
export async function startMinio(parent = tmpdir()): Promise<S3Service> {
  const binary = findMinio()
  if (!binary) throw new Error('There is no MinIO')
  const folder = await mkdtemp(path.join(parent, 'vitrine-minio-'))
  const port = await freePort()
  const accessKey = 'vitrine-test'
  const secretKey = 'canary/secret+with%signs'
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    const started = spawn(
      binary!,
      [
        'server',
        '--quiet',
        '--address',
        `127.0.0.1:${port}`,
        '--console-address',
        '127.0.0.1:0',
        path.join(folder, 'data'),
      ],
      {
        stdio: 'ignore',
        env: {
          ...process.env,
          HOME: folder,
          MINIO_ROOT_USER: accessKey,
          MINIO_ROOT_PASSWORD: secretKey,
          MINIO_BROWSER: 'off',
          MINIO_UPDATE: 'off',
          // Uploads live in the memory of the server too; a disk that is shared with others says little here.
          MINIO_CI_CD: '1',
        },
      },
    )
    child = started
    for (let i = 0; i < 200; i++) {
      if (started.exitCode !== null) throw new Error(`MinIO ended with ${started.exitCode}`)
      const answer = await fetch(`http://127.0.0.1:${port}/minio/health/ready`).catch(() => undefined)
      if (answer?.ok) return
      await delay(50)
    }
    throw new Error('MinIO did not get ready')
  }
  async function kill(signal: NodeJS.Signals): Promise<void> {
    const running = child
    if (!running || running.exitCode !== null || running.signalCode !== null) return
    const ended = new Promise(resolve => running.once('exit', resolve))
    running.kill(signal)
    await ended
  }

  // A test that crashes must not leave it running.
  const onExit = () => child?.kill('SIGKILL')
  process.on('exit', onExit)
  await start()
  const user = `${accessKey}:${encodeURIComponent(secretKey)}`
  return {
    host: '127.0.0.1',
    port,
    accessKey,
    secretKey,
    url: (bucket, parameters = '') =>
      `s3://${user}@127.0.0.1:${port}/${bucket}?tls=false&create=true&${parameters}`,
    async openUploads() {
      const uploads = path.join(folder, 'data', '.minio.sys', 'multipart')
      const found = await readdir(uploads, { recursive: true }).catch(() => [])
      // An object's folder stays for a while after its last upload; the upload itself is the level below.
      return found.filter(file => file.split(path.sep).length >= 2)
    },
    kill: () => kill('SIGKILL'),
    restart: start,
    async stop() {
      await kill('SIGTERM')
      process.off('exit', onExit)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
