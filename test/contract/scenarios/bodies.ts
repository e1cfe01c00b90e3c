import type { Area, Step } from '../exchange.js'
import { create, createRaw, octets, scenario, show, upload, v20, v21 } from './steps.js'

/** Routes that take no body, by what they do on an image of alice's with bytes and the tag `t`. */
const bodiless: Record<string, [string, string]> = {
  show: ['GET', '/v2/images/<image>'],
  download: ['GET', '/v2/images/<image>/file'],
  members: ['GET', '/v2/images/<image>/members'],
  member: ['GET', '/v2/images/<image>/members/<project:other>'],
  schema: ['GET', '/v2/schemas/image'],
  'add tag': ['PUT', '/v2/images/<image>/tags/u'],
  'remove tag': ['DELETE', '/v2/images/<image>/tags/u'],
  'remove member': ['DELETE', '/v2/images/<image>/members/<project:other>'],
  deactivate: ['POST', '/v2/images/<image>/actions/deactivate'],
  reactivate: ['POST', '/v2/images/<image>/actions/reactivate'],
  delete: ['DELETE', '/v2/images/<image>'],
}

/** Ways to send a body, the last ones being ways to send none. */
const forms: Record<string, Partial<Step>> = {
  'one byte': { text: 'x' },
  'a JSON body': { json: {} },
  'a chunked body': { text: 'x', chunked: true },
  'an empty chunked body': { chunked: true },
  'an empty body of JSON type': { headers: { 'content-type': 'application/json', 'content-length': '0' } },
  'an empty body of octet-stream type, as glanceclient': { headers: { 'content-type': octets } },
  'an empty body of a strange type': { headers: { 'content-type': 'multipart/form-data; boundary=x' } },
}

/** Bodies that are not what a JSON route wants. */
const texts: Record<string, Partial<Step>> = {
  nothing: {},
  'an empty chunked body': { chunked: true },
  blank: { text: ' ' },
  null: { text: 'null' },
  'a number': { text: '1' },
  'a string': { text: '"s"' },
  true: { text: 'true' },
  'an array': { text: '[]' },
  'an array of an object': { text: '[{}]' },
  'half an object': { text: '{' },
  'an object and more': { text: '{} x' },
  'single quotes': { text: "{'name': 'x'}" },
  NaN: { text: '{"min_ram": NaN}' },
  'a trailing comma': { text: '{"name": "x",}' },
  'bytes that are not UTF-8': {
    bytes: { base64: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x22, 0x22, 0x7d]).toString('base64') },
  },
  'a byte order mark': { text: '\ufeff{}' },
  UTF16: { bytes: { base64: Buffer.from('{"name": "x"}', 'utf16le').toString('base64') } },
  'an unpaired surrogate': { text: '{"name": "\\ud800"}' },
  'deep nesting': { text: `${'['.repeat(200)}${']'.repeat(200)}` },
}

const types = [
  'text/plain',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
  'application/json; charset=utf-8',
  'application/json; charset=latin1',
  'nonsense',
  '',
  null,
]

export const bodies: Area = {
  name: 'bodies',
  scenarios: [
    ...Object.entries(bodiless).map(([name, [method, path]]) =>
      scenario(`${name} wants no body`, [
        createRaw('alice', { tags: ['t', 'u'] }),
        upload('alice', 10),
        {
          actor: 'alice',
          method: 'POST',
          path: '/v2/images/<image>/members',
          json: { member: '<project:other>' },
        },
        ...Object.entries(forms).map(
          ([form, more]): Step => ({ actor: 'alice', method, path, name: form, ...more }),
        ),
      ]),
    ),
    scenario('listing with a body', [
      { actor: 'alice', method: 'GET', path: '/v2/images?tag=<run>', text: 'x' },
      {
        actor: 'alice',
        method: 'GET',
        path: '/v2/images?tag=<run>',
        json: {},
        name: 'list with a JSON body',
      },
    ]),
    scenario(
      'create wants a JSON object',
      Object.entries(texts).map(
        ([form, more]): Step => ({ actor: 'alice', method: 'POST', path: '/v2/images', name: form, ...more }),
      ),
    ),
    scenario(
      'create does not look at the type of its body',
      types.map(
        (type): Step => ({
          actor: 'alice',
          method: 'POST',
          path: '/v2/images',
          text: '{"name": "é"}',
          headers: { 'content-type': type },
          name: `type ${type ?? '(absent)'}`,
        }),
      ),
    ),
    scenario('create in chunks', [create('alice', { name: 'chunked' }, { chunked: true })]),
    scenario('a key given twice: the last counts', [
      {
        actor: 'alice',
        method: 'POST',
        path: '/v2/images',
        text: '{"name": "a", "name": "b", "p": "1", "p": "2"}',
        save: { image: 'id' },
      },
      show('alice'),
    ]),
    scenario('a new member wants a JSON object', [
      create('alice'),
      ...Object.entries(texts).map(
        ([form, more]): Step => ({
          actor: 'alice',
          method: 'POST',
          path: '/v2/images/<image>/members',
          name: form,
          ...more,
        }),
      ),
      ...types.slice(0, 2).map(
        (type, n): Step => ({
          actor: 'alice',
          method: 'POST',
          path: '/v2/images/<image>/members',
          text: `{"member": "m${n}"}`,
          headers: { 'content-type': type },
          name: `type ${type}`,
        }),
      ),
    ]),
    scenario("a member's status wants a JSON object", [
      create('alice'),
      {
        actor: 'alice',
        method: 'POST',
        path: '/v2/images/<image>/members',
        json: { member: '<project:other>' },
      },
      ...Object.entries(texts).map(
        ([form, more]): Step => ({
          actor: 'bob',
          method: 'PUT',
          path: '/v2/images/<image>/members/<project:other>',
          name: form,
          ...more,
        }),
      ),
      {
        actor: 'bob',
        method: 'PUT',
        path: '/v2/images/<image>/members/<project:other>',
        text: '{"status": "accepted"}',
        headers: { 'content-type': 'text/plain' },
        name: 'type text/plain',
      },
    ]),
    ...[v21, v20].map(type =>
      scenario(`a patch wants a JSON array, ${type}`, [
        create('alice'),
        ...Object.entries(texts).map(
          ([form, more]): Step => ({
            actor: 'alice',
            method: 'PATCH',
            path: '/v2/images/<image>',
            name: form,
            ...more,
            headers: { 'content-type': type },
          }),
        ),
      ]),
    ),
  ],
}
