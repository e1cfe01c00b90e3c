import { type DestinationStream, type Logger, pino } from 'pino'
import type { Config } from './config/schema.js'
import { maskPath } from './http/mask-path.js'

/** Headers and fields that carry what nobody may read in a log, wherever an object with them is logged. */
const secrets = [
  'authorization',
  'cookie',
  '["x-auth-token"]',
  '["x-service-token"]',
  '["x-subject-token"]',
  '["set-cookie"]',
  'password',
  'token',
  'secret_key',
]

const dotted = (...parents: string[]) =>
  parents.flatMap(parent => secrets.map(name => (name.startsWith('[') ? parent + name : `${parent}.${name}`)))

/** The log of a process: JSON lines on stdout. */
export function openLog(config: Pick<Config, 'log_level'>, destination?: DestinationStream): Logger {
  const options = {
    level: config.log_level as string,
    base: { pid: process.pid },
    redact: {
      paths: [...secrets, ...dotted('*', 'headers', '*.headers', 'req.headers', 'err.config')],
      censor: '***',
    },
    serializers: { req: describeRequest },
  }
  return destination ? pino(options, destination) : pino(options)
}

/** A request as it is logged wherever one is: with neither headers nor the query, and no secret in its path. */
function describeRequest(request: { method?: string; url?: string }) {
  return { method: request.method, url: maskPath(request.url?.split('?', 1)[0] ?? '') }
}
