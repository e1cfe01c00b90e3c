import type { Readable } from 'node:stream'
import type { BlobName } from '../../../data/blobs.js'
import type { Learnt } from '../../../data/write-copy.js'
import type { Checksums } from '../../../streams/checksums.js'

/** Where an import's bytes come from. Each store that is written opens it once. */
export interface Source extends AsyncDisposable {
  /** Bytes, when known. */
  size: number | undefined
  /** Digests that the bytes must have. */
  checksums?: Checksums | undefined
  /** It watches itself that bytes come. */
  watched?: boolean
  /** The bytes from their beginning. */
  open(): Promise<Readable>
  /** An object that can become a copy as it lies, with what was learnt of it. */
  adoptable?: BlobName & { learnt: Learnt }
  /** The object was adopted: it is the image's now. */
  adopted(): void
  /** A copy is made; further ones may be read from it. */
  copied?(blob: BlobName): void
}
