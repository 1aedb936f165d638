import { type AddressInfo, createServer } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import { embeddedDefault, realEtcd, type SdProcess, type SdWorld, slackMs } from './support.ts'

/** A service in any language: listens on the given port, and prints its signals and requests. */
const service = `
  const tell = (text) => console.log('child ' + text)
  const server = require('node:http').createServer((_, response) => response.end('ok'))
  setTimeout(() => server.listen(process.argv[1], '127.0.0.1', () => tell('listens')), 300)
  process.on('SIGHUP', () => tell('got SIGHUP'))
  process.on('SIGUSR2', () => process.exit(7))
  for (const name of ['SIGTERM', 'SIGINT'])
    process.on(name, () => {
      tell('got ' + name)
      process.exitCode = 3
      server.close()
    })
  tell('pid ' + process.pid)
`

/** A port that was free just now. */
const freePort = async (): Promise<number> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** `sd register orders -- node service`, and its address. */
const startService = async (world: SdWorld, ...options: readonly string[]): Promise<SdProcess> => {
  const port = await freePort()
  return world.start(
    ...['register', 'orders', '--endpoint', `http://127.0.0.1:${port}`, '--id', 'a'],
    ...options.map((option) => option.replace('PORT', String(port))),
    ...['--', process.execPath, '-e', service, String(port)],
  )
}

const pidOf = (running: SdProcess): number => Number(/child pid (\d+)/.exec(running.stdout)?.[1])

describe.concurrent.each([embeddedDefault(), realEtcd()])(
  'sd register -- COMMAND on $name',
  (backend) => {
    afterAll(() => backend.close())

    test('takes a process that hangs out of traffic by its --check, and back in', async () => {
      await using world = await backend.open()
      const watching = world.start('watch', 'orders')
      await watching.writes(/fresh/)
      const [intervalMs, timeoutMs, failures] = [500, 400, 2]
      const running = await startService(
        world,
        ...['--check', 'http://127.0.0.1:PORT/', '--check-interval', `${intervalMs}ms`],
        ...['--check-timeout', `${timeoutMs}ms`, '--check-failures', String(failures)],
      )
      await watching.writes(/added +orders\/a/)
      process.kill(pidOf(running), 'SIGSTOP')
      const hungMs = performance.now()
      await watching.writes(/updated orders\/a health passing → failing/)
      expect(performance.now() - hungMs).toBeLessThan(failures * intervalMs + timeoutMs + slackMs)
      await running.writes(/the check of orders\/a is failing: .*no result within 400 ms/s)
      expect((await world.run('list', 'orders')).stdout).toContain('failing')
      process.kill(pidOf(running), 'SIGCONT')
      await watching.writes(/updated orders\/a health failing → passing/)
      await running.writes(/the check of orders\/a is passing/)
      running.child.kill('SIGTERM')
      await watching.writes(/removed orders\/a/)
      expect(watching.stdout.match(/removed/g)).toHaveLength(1)
    })

    test('registers when it is ready; deregisters, then forwards SIGTERM, and ends with its code', async () => {
      await using world = await backend.open()
      const watching = world.start('watch', 'orders')
      await watching.writes(/fresh/)
      const running = await startService(world, '--drain', '1s')
      await watching.writes(/added +orders\/a/)
      expect(running.stdout).toContain('child listens')
      running.child.kill('SIGHUP')
      await running.writes(/got SIGHUP/)
      running.child.kill('SIGTERM')
      await watching.writes(/removed orders\/a/)
      // it continues to serve, for requests in flight
      expect(running.stdout).not.toContain('got SIGTERM')
      const { code, stdout, stderr } = await running.ended
      expect(stdout).toContain('child got SIGTERM')
      expect(stderr).toMatch(/registered orders\/a at \S+\nsd: \S+ deregistered orders\/a\n$/)
      expect(code).toBe(3)
    })

    test('deregisters when it ends by itself, with its exit code, or with 128 + n after a signal', async () => {
      await using world = await backend.open()
      const ending = await startService(world)
      await ending.writes(/registered orders/)
      process.kill(pidOf(ending), 'SIGUSR2')
      expect((await ending.ended).code).toBe(7)
      expect((await world.run('list', 'orders')).code).toBe(3)
      const crashing = await startService(world)
      await crashing.writes(/registered orders/)
      process.kill(pidOf(crashing), 'SIGKILL')
      expect((await crashing.ended).code).toBe(137)
      expect((await world.run('list', 'orders')).code).toBe(3)
    })

    test('when sd is killed, the instance is removed within its ttl', async () => {
      await using world = await backend.open()
      const watching = world.start('watch', 'orders')
      await watching.writes(/fresh/)
      const running = await startService(world)
      await watching.writes(/added/)
      const beganMs = performance.now()
      running.child.kill('SIGKILL')
      const boundMs = backend.ttlMs + backend.graceMs
      await watching.writes(/removed orders\/a/, boundMs + slackMs)
      process.kill(pidOf(running), 'SIGKILL')
      expect(performance.now() - beganMs).toBeLessThan(boundMs + slackMs)
    })
  },
)

describe.concurrent('sd register -- COMMAND', () => {
  const backend = embeddedDefault()

  test('that ends before it is ready is never registered, and its exit code is returned', async () => {
    await using world = await backend.open()
    const args = ['register', 'orders', '--endpoint', 'http://127.0.0.1:1', '--']
    const ended = await world.run(...args, 'sh', '-c', 'echo out; exit 9')
    expect(ended).toEqual({ code: 9, signal: null, stdout: 'out\n', stderr: '' })
    expect((await world.run(...args, '/no-such-command')).code).toBe(127)
    expect((await world.run(...args, '/')).code).toBe(126)
  })

  test('that is not ready in time is stopped, and the reason is printed', async () => {
    await using world = await backend.open()
    const ended = await world.run(
      ...['register', 'orders', '--endpoint', 'http://127.0.0.1:1', '--ready-timeout', '1s'],
      ...['--', process.execPath, '-e', service, '0'],
    )
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/was not ready within 1000 ms: tcp 127.0.0.1:1: .*ECONNREFUSED/)
    expect(ended.stdout).toContain('child got SIGTERM')
  })

  test('is refused when another process uses its port', async () => {
    await using world = await backend.open()
    const first = await startService(world)
    await first.writes(/registered orders\/a/)
    const port = /at http:\/\/127.0.0.1:(\d+)/.exec(first.stderr)?.[1] ?? ''
    const endpoint = `http://127.0.0.1:${port}`
    const ended = await world.run(
      ...['register', 'orders', '--endpoint', endpoint, '--id', 'b', '--'],
      ...[process.execPath, '-e', service, port],
    )
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(
      /^sd: tcp \S+ answers before \S+ is started: another process already uses the port\n/,
    )
    expect(ended.stderr).toContain('EADDRINUSE')
  })

  test('is registered when its check answers', async () => {
    await using world = await backend.open()
    const running = await startService(world, '--check', 'http://127.0.0.1:PORT/health')
    await running.writes(/registered orders\/a/)
    running.child.kill('SIGINT')
    expect((await running.ended).code).toBe(3)
  })

  test('without a command: a check that does not answer is reported', async () => {
    await using world = await backend.open()
    const ended = await world.run(
      ...['register', 'orders', '--endpoint', 'http://h:1', '--ready-timeout', '300ms'],
      ...['--check', 'http://127.0.0.1:1/ok'],
    )
    expect(ended).toMatchObject({ code: 1, stdout: '' })
    expect(ended.stderr).toBe(
      'sd: http://127.0.0.1:1/ok does not answer: connect ECONNREFUSED 127.0.0.1:1\n',
    )
  })

  test('receives a second signal at once', async () => {
    await using world = await backend.open()
    const running = await startService(world, '--drain', '60s')
    await running.writes(/registered orders\/a/)
    running.child.kill('SIGTERM')
    await running.writes(/deregistered/)
    running.child.kill('SIGTERM')
    expect((await running.ended).code).toBe(3)
  })

  test('runs, and sd keeps trying, while the registry cannot be reached', async () => {
    await using world = await backend.open()
    const running = await startService(world, '--url', 'etcd://127.0.0.1:1')
    await running.writes(/child listens/)
    await running.writes(/sd: \S+Z not registered yet, retrying: orders\/a: .*ECONNREFUSED/)
    running.child.kill('SIGTERM')
    const { code, stderr } = await running.ended
    expect(code).toBe(3)
    expect(stderr).not.toContain('at file:')
  })

  test('says what it waits for', async () => {
    await using world = await backend.open()
    const running = world.start(
      ...['register', 'orders', '--endpoint', 'http://127.0.0.1:1', '--', 'sleep', '60'],
    )
    await running.writes(/^sd: \S+Z waiting for tcp 127\.0\.0\.1:1$/m)
    running.child.kill('SIGTERM')
    expect((await running.ended).code).toBe(143)
  })

  test('an outage is a line when it begins and one with its length when it ends', async () => {
    await using world = await backend.open()
    const first = world.start('register', 'orders', '--endpoint', 'http://h:1', '--id', 'b')
    await first.writes(/registered/)
    const file = new DatabaseSync(new URL(world.url).pathname)
    // nobody can write until this ends
    file.exec('BEGIN EXCLUSIVE')
    const held = world.start('register', 'orders', '--endpoint', 'http://h:1', '--id', 'a')
    await held.writes(/^sd: \S+Z not registered yet, retrying: orders\/a: /m)
    file.exec('COMMIT')
    file.close()
    await held.writes(/^sd: \S+Z registered orders\/a at http:\/\/h:1, after \d+s$/m)
    held.child.kill('SIGTERM')
    const { stderr } = await held.ended
    expect(stderr.match(/not registered yet/g)?.length).toBeLessThanOrEqual(2)
  })

  test('that another process takes over runs on, says so, and with wait takes its turn again', async () => {
    await using world = await backend.open()
    const args = ['register', 'orders', '--endpoint', 'http://h:1', '--id', 'a']
    const waiting = world.start(...args, '--on-conflict', 'wait')
    await waiting.writes(/registered orders\/a/)
    const rival = world.start(...args)
    await rival.writes(/registered orders\/a/)
    await waiting.writes(
      /superseded: another process has registered orders\/a; waiting until that one has left/,
    )
    rival.child.kill('SIGTERM')
    expect((await rival.ended).code).toBe(0)
    await waiting.writes(/superseded[^]*registered orders\/a at/)
    expect((await world.run('list', 'orders')).code).toBe(0)
    const refused = await world.run(...args, '--on-conflict', 'reject')
    expect(refused.code).toBe(1)
    expect(refused.stderr).toMatch(/refused orders\/a: \[conflict\]/)
    const third = world.start(...args)
    await third.writes(/registered orders\/a/)
    waiting.child.kill('SIGTERM')
    expect((await waiting.ended).code).toBe(0)
    expect((await world.run('list', 'orders')).code).toBe(0)
  })

  test('that was superseded is told what became of it', async () => {
    await using world = await backend.open()
    const running = await startService(world)
    await running.writes(/registered orders\/a/)
    const rival = world.start(...['register', 'orders', '--endpoint', 'http://h:1', '--id', 'a'])
    await running.writes(
      /superseded: another process has registered orders\/a; \S+ runs on without being registered; start it with another --id, or with --on-conflict wait/,
    )
    rival.child.kill('SIGTERM')
    await rival.ended
    running.child.kill('SIGTERM')
    expect((await running.ended).code).toBe(3)
  })
})
