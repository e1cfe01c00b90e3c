import { spawn } from 'node:child_process'
import { BadRequest, Unavailable } from '../errors.js'

/**
 * qemu-img in a child process under limits of memory, processor time and wall time: crafted images have made it eat
 * all of both. Only files that our own inspection has passed are ever given to it.
 */

/** Bytes of address space, as Glance's QEMU_IMG_PROC_LIMITS. */
const MEMORY = 2 * 2 ** 30
/** Seconds of processor time of `info`, and of a conversion. */
const INFO_SECONDS = 30
const CONVERT_SECONDS = 3600

/** What of `qemu-img info --output=json` is looked at. */
export interface QemuInfo {
  format: string
  'virtual-size': number
  'backing-filename'?: string
  'format-specific'?: { data?: { 'data-file'?: string; 'create-type'?: string } }
}

/** Names of formats in which qemu differs from Glance. */
const qemuNames: Readonly<Record<string, string>> = { vhd: 'vpc', gpt: 'raw' }
export const qemuName = (format: string) => qemuNames[format] ?? format

/** Describes a file of a known format. Throws BadRequest when qemu-img refuses it, Unavailable when there is none. */
export async function info(path: string, format: string, signal: AbortSignal): Promise<QemuInfo> {
  const text = await qemuImg(['info', '-f', qemuName(format), '--output=json', path], INFO_SECONDS, signal)
  return JSON.parse(text) as QemuInfo
}

/** Converts a file of a known format into another one. */
export async function convert(
  from: { path: string; format: string },
  to: { path: string; format: string },
  signal: AbortSignal,
): Promise<void> {
  const formats = ['-f', qemuName(from.format), '-O', qemuName(to.format)]
  await qemuImg(['convert', ...formats, from.path, to.path], CONVERT_SECONDS, signal)
}

/** Whether qemu-img can be run at all. */
export async function hasQemuImg(): Promise<boolean> {
  return qemuImg(['--version'], INFO_SECONDS, AbortSignal.timeout(10_000)).then(
    () => true,
    () => false,
  )
}

function qemuImg(args: readonly string[], cpuSeconds: number, signal: AbortSignal): Promise<string> {
  // the shell sets its own limits, which the program that replaces it inherits; arguments are never read by it, and
  // what the environment holds (secrets among it) stays here
  const limits = `ulimit -v ${MEMORY / 1024} && ulimit -t ${cpuSeconds} && exec env -i PATH="$PATH" LC_ALL=C qemu-img "$@"`
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', limits, 'sh', ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      signal,
      timeout: cpuSeconds * 2000,
      killSignal: 'SIGKILL',
    })
    const out: Buffer[] = []
    let complaints = ''
    child.stdout.on('data', chunk => out.push(chunk))
    child.stderr.on('data', chunk => {
      complaints = (complaints + String(chunk)).slice(0, 2000)
    })
    child.once('error', cause =>
      reject(signal.aborted ? signal.reason : new Unavailable('qemu-img can not be run.', { cause })),
    )
    child.once('close', code => {
      if (code === 0) resolve(Buffer.concat(out).toString('utf8'))
      else if (code === 127) reject(new Unavailable('There is no qemu-img on this machine.'))
      else
        reject(
          new BadRequest('qemu-img does not accept the image.', {
            cause: new Error(complaints),
            code: 'conversion_failed',
          }),
        )
    })
  })
}
