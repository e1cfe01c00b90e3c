import { type IncomingMessage, request } from 'node:http'
import type { TestApp } from './app.js'
import type { Client } from './client.js'
import { until } from './left.js'

export interface TestLink {
  id: string
  url: string
  /** The URL's path. */
  path: string
  secret: string
  expires_at: string
}

/** Makes a link; throws when there is none. */
export async function makeLink(maker: Client, image: string, wishes: object = {}): Promise<TestLink> {
  // over a socket, so that the link leads back here
  const made = await maker.send('POST', `/v2/images/${image}/links`, {}, JSON.stringify(wishes))
  if (made.status !== 201) throw new Error(`no link was made: ${made.status} ${made.text}`)
  const { pathname } = new URL(made.json.url)
  return { ...made.json, path: pathname, secret: pathname.split('/').at(-1) }
}

/** Begins a download; resolves with the answer, of which nothing is read yet. */
export function begin(url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { agent: false, headers }, resolve).on('error', reject).end()
  })
}

/**
 * Waits until a server has ended a link's transfers, and reads what came of one of them. Until then nothing of it is read,
 * so that a large image can't reach its end meanwhile, however long that takes.
 */
export async function endedTransfer(
  { logs }: Pick<TestApp, 'logs'>,
  { id }: TestLink,
  answer: IncomingMessage,
): Promise<{ complete: boolean; bytes: number }> {
  const ended = () => logs.some(({ msg, link }) => msg === 'a link ended while it was used' && link === id)
  await until(ended, "the end of a link's transfers", 60)
  let bytes = 0
  try {
    for await (const chunk of answer) bytes += (chunk as Buffer).length
  } catch {
    // how it broke off is of no interest
  }
  return { complete: answer.complete, bytes }
}
