import t from 'tap'
import { attachment } from '../../src/http/content-disposition.js'

const image = 'f0.img'

t.test('names as they are saved', async t => {
  const cases: [name: string, header: string][] = [
    ['ubuntu-24.04.qcow2', 'attachment; filename="ubuntu-24.04.qcow2"'],
    ['with a space.img', 'attachment; filename="with a space.img"'],
    ["it's (1)*.img", `attachment; filename="it's (1)_.img"`],
    ['größe.img', `attachment; filename="gr__e.img"; filename*=UTF-8''gr%C3%B6%C3%9Fe.img`],
    ['日本.img', `attachment; filename="__.img"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.img`],
    ["o'(é).img", `attachment; filename="o'(_).img"; filename*=UTF-8''o%27%28%C3%A9%29.img`],
    ['100%41.img', `attachment; filename="100_41.img"; filename*=UTF-8''100%2541.img`],
    ['a"; filename="b.exe', 'attachment; filename="a_; filename=_b.exe"'],
    ['a\r\nSet-Cookie: x=1', 'attachment; filename="a__Set-Cookie_ x=1"'],
    ['../../etc/passwd', 'attachment; filename="_.._etc_passwd"'],
    ['..\\..\\boot.ini', 'attachment; filename="_.._boot.ini"'],
    ['C:\\Windows\\x.img', 'attachment; filename="C__Windows_x.img"'],
    ['-rf', 'attachment; filename="rf"'],
    ['~root', 'attachment; filename="root"'],
    ['.bashrc', 'attachment; filename="bashrc"'],
    ['name. . .', 'attachment; filename="name"'],
    ['nul.img', 'attachment; filename="_nul.img"'],
    ['COM1', 'attachment; filename="_COM1"'],
    ['gnp.\u202egmi.exe', 'attachment; filename="gnp._gmi.exe"'],
    ['a\u0000b\u007fc\u0085d\u2028e\ud800f', 'attachment; filename="a_b_c_d_e_f"'],
    ['...', `attachment; filename="${image}"`],
    ['', `attachment; filename="${image}"`],
  ]
  // headers are ASCII; the names hold what ends a line of the tests' report
  for (const [name, header] of cases) t.equal(attachment(name, image), header, header)
})

t.test('any name makes a header of printable ASCII that names one file', async t => {
  for (let code = 0; code <= 0xffff; code += 1) {
    const header = attachment(`a${String.fromCharCode(code)}b`, image)
    if (!/^attachment; filename="[^"\\/]*"(; filename\*=UTF-8''[\w!#$&+.^`|~%-]+)?$/.test(header))
      t.fail(`U+${code.toString(16)}: ${header}`)
  }
  const long = attachment(`${'ü'.repeat(300)}.qcow2`, image)
  const [, encoded = ''] = /UTF-8''(.*)$/.exec(long) ?? []
  t.ok(Buffer.byteLength(decodeURIComponent(encoded)) <= 255)
  t.match(encoded, /\.qcow2$/)
})
