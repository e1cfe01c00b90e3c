/** Bytes of one piece. */
export const PIECE = 2 ** 20

/**
 * Memory in pieces of 1 MiB for uploads that must hold bytes back until the far side has them. Every upload may always
 * have its reserve, so that none waits for another for ever; what it takes beyond comes from a common stock.
 */
export interface Pieces {
  /** Opens an upload's account of `reserve` pieces. */
  share(reserve: number): Share
}

export interface Share {
  /** The next piece, as soon as there is one. Rejects with the signal's reason. */
  take(signal: AbortSignal): Promise<Buffer>
  /** Gives pieces back that nobody uses any more. */
  give(pieces: Buffer[]): void
  /** Takes pieces off the account that something could still read; they are not used again. */
  forget(pieces: Buffer[]): void
}

/** Pieces that are kept for the next upload. */
const KEPT = 48

/** `stock` is the number of pieces that uploads may take beyond their reserves, all together. */
export function openPieces(stock: number): Pieces {
  const spare: Buffer[] = []
  const waiting: { share: { used: number; reserve: number }; grant: () => void }[] = []
  let beyond = 0

  /** Takes one onto the account, if that is possible. */
  function book(share: { used: number; reserve: number }): boolean {
    if (share.used >= share.reserve) {
      if (beyond >= stock) return false
      beyond++
    }
    share.used++
    return true
  }

  return {
    share(reserve) {
      const share = { used: 0, reserve }
      return {
        async take(signal) {
          signal.throwIfAborted()
          if (!book(share)) {
            await new Promise<void>((resolve, reject) => {
              const entry = {
                share,
                grant: () => {
                  signal.removeEventListener('abort', stop)
                  resolve()
                },
              }
              const stop = () => {
                waiting.splice(waiting.indexOf(entry), 1)
                reject(signal.reason)
              }
              signal.addEventListener('abort', stop, { once: true })
              waiting.push(entry)
            })
          }
          return spare.pop() ?? Buffer.allocUnsafeSlow(PIECE)
        },
        give(pieces) {
          for (const piece of pieces) if (spare.length < KEPT) spare.push(piece)
          this.forget(pieces)
        },
        forget(pieces) {
          for (const _ of pieces) {
            if (share.used > share.reserve) beyond--
            share.used--
          }
          for (let i = 0; i < waiting.length; ) {
            const entry = waiting[i]!
            if (book(entry.share)) {
              waiting.splice(i, 1)
              entry.grant()
            } else {
              i++
            }
          }
        },
      }
    },
  }
}
