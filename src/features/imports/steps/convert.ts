import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { BadRequest, UnsupportedMedia } from '../../../errors.js'
import { inspect } from '../../../formats/index.js'
import { info, convert as qemuConvert, qemuName } from '../../../formats/qemu-img.js'
import type { Workspace } from './workspace.js'

export interface Converted {
  path: string
  disk_format: string
}

const unfit = (sentence: string) => new BadRequest(sentence, { code: 'conversion_failed' })

/** Kinds of VMDK that hold their data in one file, as Glance's vmdk_allowed_types. */
const vmdkTypes = ['streamOptimized', 'monolithicSparse']

/**
 * Converts a file to the operator's format by qemu-img, when our own inspection finds it to be exactly what it is
 * declared as and nothing speaks against it, and qemu-img agrees. A disc image (iso) stays as it is.
 */
export async function convert(
  workspace: Workspace,
  path: string,
  declared: string,
  target: string,
  signal: AbortSignal,
): Promise<Converted> {
  const inspection = inspect()
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20, signal }))
    inspection.eat(chunk as Buffer)
  const { format, faults } = inspection.finish()
  const [fault] = faults
  if (fault)
    throw new UnsupportedMedia(`The image is refused by the check ${fault.check}: ${fault.message}`, {
      code: 'unsafe_image',
    })
  // a raw disk shows its partition table, and may be declared by it
  const found = format === 'gpt' && declared !== 'gpt' ? 'raw' : format
  if (found === 'iso' && declared === 'iso') return { path, disk_format: 'iso' }
  if (found !== declared)
    throw new UnsupportedMedia(`The image is declared as ${declared} and is ${found ?? 'ambiguous'}.`)

  const said = await info(path, declared, signal)
  const data = said['format-specific']?.data ?? {}
  if (said.format !== qemuName(declared)) throw unfit('qemu-img takes the image for another format.')
  if (said['backing-filename'] !== undefined) throw unfit('Images with a backing file can not be converted.')
  if (data['data-file'] !== undefined) throw unfit('Images with a data file can not be converted.')
  if (declared === 'vmdk' && !vmdkTypes.includes(data['create-type'] ?? '')) {
    throw unfit('VMDK images of that kind can not be converted.')
  }
  if (qemuName(declared) === qemuName(target)) return { path, disk_format: target }
  const output = join(workspace.folder, `converted.${target}`)
  await qemuConvert({ path, format: declared }, { path: output, format: target }, signal)
  return { path: output, disk_format: target }
}
