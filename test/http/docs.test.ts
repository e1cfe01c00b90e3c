import t from 'tap'
import { startApp } from '../helpers/app.js'

t.test('/docs shows the API to anybody, with nothing from another server', async t => {
  const { app } = await startApp(t)
  for (const url of ['/docs', '/docs/']) {
    const page = await app.inject(url)
    t.equal(page.statusCode, 200)
    t.match(page.headers['content-type'], 'text/html')
    t.match(page.headers['content-security-policy'], "default-src 'none'")
    t.notMatch(page.headers['content-security-policy'], /https?:|unsafe-eval|upgrade-insecure-requests/)
    const parts = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, part]) => part!)
    t.ok(parts.length >= 6)
    for (const part of parts) {
      t.notMatch(part, /^(https?:)?\/\//, 'is on this server')
      const reply = await app.inject(new URL(part, 'http://localhost/docs/').pathname)
      t.equal(reply.statusCode, 200, part)
      t.ok(reply.rawPayload.length > 100, part)
    }
  }
  const initializer = await app.inject('/docs/static/swagger-initializer.js')
  t.match(initializer.body, "resolveUrl('./json')")
  t.same((await app.inject('/docs/json')).json(), (await app.inject('/openapi.json')).json())
  t.notMatch(initializer.body, 'validator.swagger.io')
  t.equal((await app.inject('/docs/static/nothing.js')).statusCode, 404)
  t.equal((await app.inject('/docs/static/../../package.json')).statusCode, 300, 'no way out of the folder')
  t.equal(
    (await app.inject('/docs/static/%2e%2e%2fpackage.json')).statusCode,
    404,
    'no way out of the folder',
  )
})

t.test('/openapi.json is the document, without a token', async t => {
  const { app } = await startApp(t)
  const reply = await app.inject('/openapi.json')
  t.equal(reply.statusCode, 200)
  t.equal(reply.headers['content-type'], 'application/json')
  const document = reply.json()
  t.equal(document.openapi, '3.1.0')
  t.same(document.components.securitySchemes.token.name, 'X-Auth-Token')
  t.same(Object.keys(document.paths['/v2/images/{image_id}/file']).sort(), ['get', 'post', 'put'])
  t.notOk(JSON.stringify(document).includes('x-hint'))
})
