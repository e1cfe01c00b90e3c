// Exit code 0 when the server of this container answers.
const url = `http://127.0.0.1:${process.env.VITRINE_PORT || 9292}/livez`
const answer = await fetch(url, { signal: AbortSignal.timeout(4000) }).catch(() => undefined)
process.exit(answer?.ok ? 0 : 1)
