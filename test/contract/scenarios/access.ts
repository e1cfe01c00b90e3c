import type { Actor } from '../actors.js'
import type { Area, Step } from '../exchange.js'
import { act, createRaw, del, download, get, list, patch, replace, scenario, show, upload } from './steps.js'

/** Every visibility × every caller × every verb: who sees, who may, and which of 403 and 404 the others get. */
const actors: Actor[] = [
  'admin',
  'alice',
  'carol',
  'reader',
  'bob',
  'nova',
  'svc',
  'dora',
  'nobody',
  'impostor',
]
const visibilities = ['public', 'private', 'shared', 'community'] as const

/** What each caller tries on an image with bytes; nothing here ends the image or its visibility. */
function attempts(actor: Actor): Step[] {
  return [
    show(actor),
    patch(actor, [replace('/name', 'renamed')]),
    patch(actor, [], { name: `${actor} PATCH nothing` }),
    { actor, method: 'PUT', path: '/v2/images/<image>/tags/t' },
    { actor, method: 'DELETE', path: '/v2/images/<image>/tags/t' },
    download(actor),
    upload(actor, 5),
    get(actor, '/v2/images/<image>/members'),
    get(actor, '/v2/images/<image>/members/x'),
    { actor, method: 'POST', path: '/v2/images/<image>/members', json: { member: 'm' } },
    { actor, method: 'PUT', path: '/v2/images/<image>/members/m', json: { status: 'accepted' } },
    { actor, method: 'DELETE', path: '/v2/images/<image>/members/m' },
    act(actor, 'deactivate'),
    act(actor, 'reactivate'),
  ]
}

function made(visibility: string): Step[] {
  const steps = [createRaw('alice', { tags: ['<run>'] }), upload('alice', 100)]
  return visibility === 'shared' ? steps : [...steps, patch('admin', [replace('/visibility', visibility)])]
}

export const access: Area = {
  name: 'access',
  scenarios: [
    ...visibilities.flatMap(visibility =>
      actors.map(actor =>
        scenario(`${actor} and a ${visibility} image of demo`, [...made(visibility), ...attempts(actor)]),
      ),
    ),
    ...visibilities.flatMap(visibility =>
      actors.map(actor =>
        scenario(`${actor} deletes a ${visibility} image of demo`, [
          ...made(visibility),
          del(actor),
          show('alice', { name: 'is it there?' }),
        ]),
      ),
    ),
    ...visibilities.map(visibility =>
      scenario(`who may make a shared image ${visibility}`, [
        createRaw('alice'),
        ...actors.map(actor => patch(actor, [replace('/visibility', visibility)])),
      ]),
    ),
    ...visibilities.map(visibility =>
      scenario(`who may make a public image ${visibility}`, [
        createRaw('alice'),
        ...(['alice', 'carol', 'reader', 'bob', 'nova'] as const).flatMap(actor => [
          patch('admin', [replace('/visibility', 'public')], { name: `public again before ${actor}` }),
          patch(actor, [replace('/visibility', visibility)]),
        ]),
      ]),
    ),
    ...visibilities.map(visibility =>
      scenario(`who lists a ${visibility} image of demo`, [
        ...made(visibility),
        ...actors.flatMap(actor => [
          list(actor),
          ...visibilities.map(wanted => list(actor, `visibility=${wanted}`)),
          list(actor, 'visibility=all'),
        ]),
      ]),
    ),
    ...(['pending', 'accepted', 'rejected'] as const).map(status =>
      scenario(`a member whose share is ${status}`, [
        ...made('shared'),
        {
          actor: 'alice',
          method: 'POST',
          path: '/v2/images/<image>/members',
          json: { member: '<project:other>' },
        },
        { actor: 'bob', method: 'PUT', path: '/v2/images/<image>/members/<project:other>', json: { status } },
        ...attempts('bob'),
        list('bob'),
        ...['pending', 'accepted', 'rejected', 'all'].map(wanted => list('bob', `member_status=${wanted}`)),
        ...visibilities.map(wanted => list('bob', `visibility=${wanted}`)),
        list('bob', 'visibility=all'),
        list('bob', `visibility=shared&member_status=${status}`),
        list('alice', 'member_status=accepted'),
        list('admin', 'member_status=accepted'),
        list('dora', 'member_status=all'),
        del('bob'),
      ]),
    ),
    scenario('members lose sight of what is no longer shared, and find it again', [
      ...made('shared'),
      {
        actor: 'alice',
        method: 'POST',
        path: '/v2/images/<image>/members',
        json: { member: '<project:other>' },
      },
      {
        actor: 'bob',
        method: 'PUT',
        path: '/v2/images/<image>/members/<project:other>',
        json: { status: 'accepted' },
      },
      ...['private', 'shared', 'community', 'shared'].flatMap(visibility => [
        patch('alice', [replace('/visibility', visibility)]),
        show('bob'),
        download('bob'),
        list('bob'),
        get('bob', '/v2/images/<image>/members'),
        get('bob', '/v2/images/<image>/members/<project:other>'),
        get('alice', '/v2/images/<image>/members'),
      ]),
    ]),
    scenario('a reader in the project of a member', [
      createRaw('bob', { tags: ['<run>'] }),
      upload('bob', 10),
      {
        actor: 'bob',
        method: 'POST',
        path: '/v2/images/<image>/members',
        json: { member: '<project:demo>' },
      },
      show('reader'),
      download('reader'),
      get('reader', '/v2/images/<image>/members'),
      get('reader', '/v2/images/<image>/members/<project:demo>'),
      {
        actor: 'reader',
        method: 'PUT',
        path: '/v2/images/<image>/members/<project:demo>',
        json: { status: 'accepted' },
      },
      {
        actor: 'carol',
        method: 'PUT',
        path: '/v2/images/<image>/members/<project:demo>',
        json: { status: 'accepted' },
      },
      { actor: 'bob', method: 'POST', path: '/v2/images/<image>/members', json: { member: '<project:far>' } },
      ...['<project:far>', 'absent', '<project:demo>'].flatMap((member): Step[] => {
        const path = `/v2/images/<image>/members/${member}`
        return [
          { actor: 'reader', method: 'PUT', path, json: { status: 'rejected' } },
          { actor: 'reader', method: 'DELETE', path },
        ]
      }),
      list('reader'),
      list('alice'),
      list('bob'),
    ]),
    scenario('an image that nobody owns', [
      createRaw('admin', { owner: null, tags: ['<run>'] }),
      ...(['admin', 'alice', 'reader', 'svc', 'nova'] as const).flatMap(actor => [show(actor), list(actor)]),
      patch('alice', [replace('/name', 'mine')]),
      patch('admin', [replace('/name', 'ours')]),
      patch('admin', [replace('/visibility', 'public')]),
      list('alice'),
      del('alice'),
    ]),
    scenario('an image that an admin made for a project', [
      createRaw('admin', { owner: '<project:demo>', tags: ['<run>'] }),
      show('alice'),
      patch('alice', [replace('/name', 'mine')]),
      list('alice'),
      list('bob'),
      del('alice'),
    ]),
  ],
}
