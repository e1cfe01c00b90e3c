import { failureCodes } from '../errors.js'
import { reason } from './error-handler.js'

/** What each status of a refusal means in this API, for docs/errors.md and for the OpenAPI document. */
export const refusals: Readonly<Record<number, string>> = {
  300: 'The version of the API that was asked for is not known; the body lists those that are.',
  400: 'The request is wrong in itself: not JSON, a missing or unexpected body, a bad value, an unknown filter or sort key.',
  401: 'No credentials were sent, or they are not valid (any more).',
  403: 'The caller may see the thing, but not do this with it; or something read-only was to be changed.',
  404: 'There is no such thing, or the caller may not know of it.',
  405: 'The path has no such method; `Allow` lists those it has.',
  408: 'The client stopped sending.',
  409: 'The state of the image does not permit it, or there is such a thing already.',
  410: 'The image was deleted, or the transfer cancelled, while its bytes were coming.',
  413: 'A quota or limit of size is used up: bytes, properties, tags, members, or the size of the body itself.',
  415: 'The Content-Type is not one that this takes, or the bytes are not what the image says they are.',
  416: 'The image does not have the bytes that Range asks for.',
  429: 'Too many passwords were wrong, or too many streams are open; `Retry-After` tells how long to wait.',
  431: 'The headers of the request are too large.',
  500: 'The server met an error that nobody foresaw; its log has the details under the request id.',
  501: 'Neither the path nor the method is known.',
  503: 'A part that is needed does not answer: the database, the store, or the identity service.',
}

/** docs/errors.md. */
export function errorDocs(): string {
  const rows = Object.entries(refusals).map(
    ([status, text]) => `| ${status} ${reason(Number(status))} | ${text} |`,
  )
  const codes = Object.entries(failureCodes).map(([code, text]) => `| \`${code}\` | ${text} |`)
  return `${head}\n| status | meaning |\n|---|---|\n${rows.join('\n')}\n${tail}\n| code | meaning |\n|---|---|\n${codes.join('\n')}\n`
}

const head = `# Errors

<!-- Generated from src/http/error-docs.ts; write it anew with: UPDATE_DOCS=1 node dist/test/docs.test.js -->

A refusal has Glance's status and one sentence that says what is wrong. It is plain text,

\`\`\`
404 Not Found

No image found with ID 6f1d9d3b-0f5a-4f0e-9d51-9e1c1a6f2c7e
\`\`\`

and JSON when the request's \`Accept\` names \`application/json\` and prefers it:

\`\`\`json
{"message": "…", "code": "404 Not Found", "title": "Not Found"}
\`\`\`

The wording is Vitrine's own and may change; programs go by the status. Every answer has \`x-openstack-request-id\`,
which is in each line of the log that the request caused.
`

const tail = `
## Uploads and imports

What went wrong when bytes did not come is kept with the image: \`GET /v2/images/{image_id}/progress\` has it as
\`error\`, with a word for programs and a sentence, and a failed task has it in its \`result\`:

\`\`\`json
{"error": {"code": "source_cut", "message": "The data ended before it was complete"}}
\`\`\`

The words stay as they are; there may be more of them.
`
