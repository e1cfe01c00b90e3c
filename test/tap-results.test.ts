import t from 'tap'
import { readTap, sumLine } from './helpers/tap-results.js'

const run = (...lines: string[]) => ['TAP version 14', ...lines].join('\n')

t.test('a green run has the sums of tap', async t => {
  const found = readTap(
    run(
      '# Subtest: dist/test/a.test.js',
      '    # Subtest: first',
      '        ok 1 - should be equal',
      '        ok 2 - a name # with a hash',
      '        1..2',
      '    ok 1 - first # time=12.5ms',
      '    ok 2 - second # SKIP no S3',
      '    not ok 3 - third # TODO later',
      '    1..3',
      'ok 1 - dist/test/a.test.js # time=1500ms',
      '# { total: 4, pass: 2, todo: 1, skip: 1 }',
    ),
  )
  t.equal(sumLine(found), '2 passed, 0 failed, 2 skipped')
  t.same(found.files, [{ name: 'dist/test/a.test.js', seconds: 1.5 }])
  t.same(found.skips, ['dist/test/a.test.js > second: no S3', 'dist/test/a.test.js > third: later'])
})

t.test(
  'a failed assertion counts once, however deep it is, and comes with all that was said of it',
  async t => {
    const found = readTap(
      run(
        '# Subtest: dist/test/a.test.js',
        '    # Subtest: outer',
        '        # Subtest: inner',
        '            not ok 1 - should be equal',
        '              ---',
        '              diff: |',
        '                ok 7 - no result, but text of a diff',
        '              ...',
        '            ok 2 - fine',
        '            1..2',
        '        not ok 1 - inner # time=1ms',
        '          ---',
        '          at: somewhere',
        '          ...',
        '        1..1',
        '    not ok 1 - outer # time=1ms',
        '    1..1',
        'not ok 1 - dist/test/a.test.js # time=1ms',
        '# { total: 2, pass: 1, fail: 1 }',
      ),
    )
    t.equal(sumLine(found), '1 passed, 1 failed')
    t.match(found.failures[0], 'dist/test/a.test.js > outer > inner > should be equal\n')
    t.match(found.failures[0], 'ok 7 - no result')
  },
)

t.test('a file that broke without a failed assertion is a failure', async t => {
  const crash = [
    '# Subtest: dist/test/b.test.js',
    '    ok 1 - fine',
    'not ok 1 - dist/test/b.test.js # time=1ms',
  ]
  t.equal(sumLine(readTap(run(...crash, '# { total: 1, pass: 1 }'))), '1 passed, 1 failed')
  const unloadable = ['# Subtest: c.test.js', '    1..0 # no tests found', 'not ok 2 - c.test.js # time=1ms']
  t.equal(sumLine(readTap(run(...unloadable, '# { total: 0 }'))), '0 passed, 1 failed')
})

t.test('a run that proves nothing is a failure', async t => {
  t.equal(sumLine(readTap('')), '0 passed, 2 failed', 'no output')
  const empty = ['# Subtest: e.test.js', 'ok 1 - e.test.js # SKIP no tests found', '# { total: 1, skip: 1 }']
  t.equal(sumLine(readTap(run(...empty))), '0 passed, 1 failed', 'a file without tests')
  t.match(readTap(run('ok 1 - fine')).failures, ['tap did not come to its end.'])
  t.match(readTap(run('ok 1 - fine', '# { total: 2, pass: 2 }')).failures, ['tap counts 2 passed'])
})
