import { afterAll, describe, expect, test } from 'vitest'
import { embeddedDefault, realEtcd, slackMs } from './support.ts'

/** A pattern in which ESC is the escape character. */
const escapes = (pattern: string): RegExp =>
  new RegExp(pattern.replaceAll('ESC', String.raw`\u001B`))

const size = { columns: 100, rows: 10 }

describe.each([embeddedDefault(), realEtcd()])('on a terminal, on $name', (backend) => {
  afterAll(() => backend.close())

  test('watch redraws a live table in place, with changes in colour', async () => {
    await using world = await backend.open()
    const watching = world.startOnTerminal(size, 'watch', 'orders')
    await watching.writes(/orders: 0 instances, fresh/)
    const held = world.start('register', 'orders', '--endpoint', 'http://h:1', '--id', 'a')
    // green, drawn over the table before it
    await watching.writes(
      escapes('ESC\\[2A[^]*ESC\\[32ma +http://h:1 +- +- +100 +passing +0s +addedESC\\[39m'),
    )
    held.child.kill('SIGTERM')
    await watching.writes(escapes('ESC\\[31ma +http://h:1 .* removedESC\\[39m'))
    expect((await held.ended).code).toBe(0)
    watching.child.stdin?.write('\u0003')
    const { code, stdout } = await watching.ended
    expect(code).toBe(0)
    expect(stdout).not.toContain('\u001B[?1049h')
  })

  test('NO_COLOR leaves colours out', async () => {
    await using world = await backend.open({ NO_COLOR: '1' })
    const watching = world.startOnTerminal(size, 'watch', '--all')
    await watching.writes(/0 instances, fresh/)
    watching.child.stdin?.write('\u0003')
    const { code, stdout } = await watching.ended
    expect(code).toBe(0)
    expect(stdout).not.toMatch(escapes('ESC\\[\\d+m'))
  })

  test('instances beyond the height of the terminal are counted', async () => {
    await using world = await backend.open()
    const held = Array.from({ length: 7 }, (_, index) =>
      world.start('register', 'orders', '--endpoint', 'http://h:1', '--id', `i${index}`),
    )
    await Promise.all(held.map((one) => one.writes(/registered/, 4 * slackMs)))
    const watching = world.startOnTerminal({ columns: 30, rows: 8 }, 'watch', 'orders')
    await watching.writes(/i3 [^]*… and 3 more[^]*orders: 7 instances, fresh/)
    expect(watching.stdout).not.toContain('i4')
    // whole columns are left out, and no line is wrapped
    expect(watching.stdout).toMatch(/ID +ENDPOINTS +HEALTH/)
    expect(watching.stdout).not.toContain('VERSION')
    // a change below the rows that fit is listed under the table
    expect((await world.run('set', 'orders', 'i6', '--weight', '7')).code).toBe(0)
    await watching.writes(/… and 4 more[^]*\d\d:\d\d:\d\d updated orders\/i6/)
    for (const one of held) one.child.kill('SIGTERM')
    await Promise.all(held.map((one) => one.ended))
  })

  test('deregister asks, and removes nothing when the answer is no', async () => {
    await using world = await backend.open()
    const held = world.start('register', 'orders', '--endpoint', 'http://h:1', '--id', 'a')
    await held.writes(/registered/)
    const answers = async (answer: string): Promise<number | null> => {
      const asking = world.startOnTerminal(size, 'deregister', 'orders', 'a', '--force')
      await asking.writes(
        /orders\/a at http:\/\/h:1, registered .* ago by [^]*Remove it\? \[y\/N\]/,
      )
      asking.child.stdin?.write(answer)
      return (await asking.ended).code
    }
    expect(await answers('\r')).toBe(1)
    expect(await answers('\u0003')).toBe(130)
    expect((await world.run('list', 'orders')).code).toBe(0)
    expect(await answers('y\r')).toBe(0)
  })
})

describe('on a terminal', () => {
  const backend = embeddedDefault()

  test('a wait of more than a second shows a progress line, which is erased at its end', async () => {
    await using world = await backend.open()
    const listing = world.startOnTerminal(size, 'list', '--url', 'etcd://127.0.0.1:1')
    await listing.writes(/⠋ reading the services \(1 s\)/)
    const { code, stdout } = await listing.ended
    expect(code).toBe(4)
    expect(stdout).toMatch(escapes('ESC\\[2KESC\\[1Gsd: \\[unavailable\\]'))
  })

  test('Ctrl-C ends a running command with 130', async () => {
    await using world = await backend.open()
    const listing = world.startOnTerminal(size, 'list', '--url', 'etcd://127.0.0.1:1')
    await listing.writes(/reading the services/)
    listing.child.stdin?.write('\u0003')
    expect((await listing.ended).code).toBe(130)
  })

  test('Ctrl-C reaches COMMAND once, from the terminal itself', async () => {
    await using world = await backend.open()
    const command = `
      process.on('SIGINT', () => { console.log('child got SIGINT'); setTimeout(() => process.exit(5), 700) })
      setInterval(() => {}, 1000)`
    const running = world.startOnTerminal(
      size,
      ...['register', 'orders', '--endpoint', 'grpc://h', '--', process.execPath, '-e', command],
    )
    await running.writes(/registered orders/)
    running.child.stdin?.write('\u0003')
    const { code, stdout } = await running.ended
    expect(code).toBe(5)
    expect(stdout.match(/child got SIGINT/g)).toHaveLength(1)
    expect(stdout).toMatch(/sd: \S+Z deregistered orders/)
  })
})
