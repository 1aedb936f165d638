import { afterAll, describe, expect, test } from 'vitest'
import { embeddedDefault, realEtcd, slackMs } from './support.ts'

describe.concurrent.each([embeddedDefault(), realEtcd()])(
  'every command, in a pipe, on $name',
  (backend) => {
    afterAll(() => backend.close())

    test('list, resolve and watch show an instance of register, which is removed on Ctrl-C', async () => {
      await using world = await backend.open()
      const watching = world.start('watch', 'orders')
      const watchingJson = world.start('watch', '--all', '--json', '--tag', 'canary')
      const watchingOther = world.start('watch', 'orders', '--zone', 'elsewhere')
      await Promise.all([
        watching.writes(/ fresh +0 in total/),
        watchingJson.writes(/"fresh"/),
        watchingOther.writes(/ fresh +0 in total/),
      ])
      const holding = world.start(
        ...[
          'register',
          'orders',
          '--endpoint',
          'http://10.0.0.7:8080',
          '--endpoint',
          'grpc://h:9090',
        ],
        ...['--id', 'orders-1', '--version', '1.4.0', '--zone', 'eu-1a', '--weight', '10'],
        ...['--tag', 'canary', '--meta', 'commit=a=b', '--json'],
      )
      await holding.writes(/"registered"/)
      await watching.writes(
        / added +orders\/orders-1 http:\/\/10.0.0.7:8080 grpc:\/\/h:9090 weight 10/,
      )
      await watchingJson.writes(/"added"/)

      const list = await world.run('list', 'orders')
      expect(list.code).toBe(0)
      const [heading, row] = list.stdout.split('\n')
      expect(heading?.split(/ {2,}/)).toEqual([
        'ID',
        'ENDPOINTS',
        'VERSION',
        'ZONE',
        'WEIGHT',
        'HEALTH',
        'AGE',
      ])
      expect(row).toMatch(/^orders-1 +http:\S+ grpc:\S+ +1\.4\.0 +eu-1a +10 +passing +\d+s$/)
      expect((await world.run('list')).stdout).toBe('SERVICE\norders\n')

      const json = await world.run('--json', 'list', 'orders')
      const instance = {
        service: 'orders',
        id: 'orders-1',
        endpoints: ['http://10.0.0.7:8080', 'grpc://h:9090'],
        version: '1.4.0',
        zone: 'eu-1a',
        weight: 10,
        health: 'passing',
        tags: ['canary'],
        metadata: { commit: 'a=b' },
        registeredAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/) as string,
        ttlMs: backend.ttlMs,
      }
      expect(JSON.parse(json.stdout)).toEqual(instance)
      expect(watchingJson.json().at(-1)).toMatchObject({ type: 'added', instance })

      const resolved = await world.run('resolve', 'orders', '--scheme', 'grpc')
      expect(resolved).toMatchObject({ code: 0, stdout: 'grpc://h:9090\n' })
      const passing = ['--version', '^1.2', '--tag', 'canary', '--zone', 'eu-1a']
      const [passes, refused, unresolved] = await Promise.all([
        world.run('list', 'orders', ...passing, '--metadata', 'commit=a=b'),
        world.run('list', 'orders', ...passing, '--metadata', 'commit=b'),
        world.run('resolve', 'orders', '--version', '>=2'),
      ])
      // the age may have become longer, and its column wider
      expect(passes.stdout.replace(/ +\d+s$/m, '')).toBe(list.stdout.replace(/ +\d+s$/m, ''))
      expect(refused).toMatchObject({ code: 3, stdout: '' })
      expect(refused.stderr).toMatch(/none of the 1 instances of orders passes the filter/)
      expect(unresolved).toMatchObject({ code: 3, stdout: '' })
      expect(unresolved.stderr).toMatch(/1 is filtered out by version ">=2"/)

      holding.child.kill('SIGINT')
      expect(await holding.ended).toMatchObject({ code: 0, stderr: '' })
      expect(holding.json().map(({ state }) => state)).toEqual(['registered', 'closed'])
      await watching.writes(/ removed orders\/orders-1 /)
      watching.child.kill('SIGINT')
      expect((await watching.ended).code).toBe(0)
      watchingOther.child.kill('SIGINT')
      expect((await watchingOther.ended).stdout).not.toContain('orders-1')
      expect(await world.run('list', 'orders')).toMatchObject({ code: 3, stdout: '' })
    })

    test('deregister --force removes a record, and says that a live owner restores it', async () => {
      await using world = await backend.open()
      const holding = world.start('register', 'orders', '--endpoint', 'http://h:1', '--id', 'a')
      await holding.writes(/registered orders\/a/)
      const wanted = ['deregister', 'orders', 'a']
      expect(await world.run(...wanted)).toMatchObject({ code: 2 })
      const unasked = await world.run(...wanted, '--force')
      expect(unasked).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') as string })
      // its owner must not restore it during the check
      holding.child.kill('SIGSTOP')
      const removed = await world.run(...wanted, '--force', '--yes')
      expect(removed).toMatchObject({ code: 0, stdout: 'orders/a is removed\n' })
      expect(removed.stderr).toContain('if its owner is alive, it restores the record')
      expect((await world.run('list', 'orders')).code).toBe(3)
      expect((await world.run(...wanted, '--force', '--yes')).code).toBe(3)
      const watching = world.start('watch', 'orders')
      await watching.writes(/ fresh /)
      holding.child.kill('SIGCONT')
      await watching.writes(/ added +orders\/a /, backend.ttlMs + slackMs)
    })

    test('doctor runs its steps, and finds endpoints that do not answer', async () => {
      await using world = await backend.open()
      const holding = world.start('register', 'orders', '--endpoint', 'http://127.0.0.1:1')
      await holding.writes(/registered/)
      const { code, stdout } = await world.run('doctor', '--json', '--probe')
      const results = stdout
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as object)
      expect(results.map((result) => [...Object.values(result)].slice(0, 2))).toEqual([
        ['ok', 'registry'],
        ...['connect', 'authenticate', 'server', 'clock', 'read', 'session', 'watch', 'write'].map(
          (step) => ['ok', step],
        ),
        ...['notice', 'remove', 'notice', 'records'].map((step) => ['ok', step]),
        ['fail', 'endpoints'],
      ])
      expect(code).toBe(1)
      expect((await world.run('list')).stdout).toBe('SERVICE\norders\n')
    })

    test('ends without an error when the reader of its output closes the pipe', async () => {
      await using world = await backend.open()
      const watching = world.start('watch', '--all')
      await watching.writes(/fresh/)
      watching.child.stdout?.destroy()
      const holding = world.start('register', 'orders', '--endpoint', 'http://h:1')
      expect(await watching.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
      holding.child.kill('SIGTERM')
      expect((await holding.ended).code).toBe(0)
    })
  },
)

describe.concurrent('failures', () => {
  const backend = embeddedDefault()

  test.each([
    [2, ['lst'], /unknown command 'lst'/],
    [2, [], /Usage: sd/],
    [2, ['watch'], /name the service to watch, or give --all/],
    [2, ['list', '--url', 'etdc://h'], /unknown backend "etdc"/],
    [2, ['register', 'orders'], /'--endpoint <url>' not specified/],
    [2, ['register', 'orders', '--endpoint', 'http://0.0.0.0:1', '--', 'x'], /not a wildcard/],
    [2, ['set', 'orders', 'a', '--weight', '70000'], /from 0 to 65535/],
    [2, ['copy', 'memory:', 'memory:'], /the same registry/],
    [2, ['copy', 'memory:', 'memory:b', '--follow'], /--follow needs --apply/],
    [
      1,
      ['set', 'orders', 'a', '--weight', '0', '--url', 'consul://127.0.0.1:1'],
      /\[unsupported\] edit orders: only the owner/,
    ],
    [3, ['resolve', 'orders'], /no endpoint of orders: .*no instance is registered/],
    [2, ['list', '--tag', 'x'], /filters need a service; name it/],
    [2, ['resolve', 'orders', '--version', 'new'], /Expected a range of versions like \^1\.4/],
    [3, ['list', 'orders'], /no instance of orders/],
    [2, ['doctor', '--url', 'etcd://user:p%40ss/x@h'], /an @ after the hosts is written %40/],
    [4, ['list', '--url', 'etcd://user:p%40ss@127.0.0.1:1'], /the registry is etcd:\/\/…@127/],
    [4, ['copy', 'etcd://127.0.0.1:1', 'memory:'], /ECONNREFUSED/],
  ])('ends with %i: sd %j', async (code, args, told) => {
    await using world = await backend.open()
    const ended = await world.run(...args)
    expect(ended.stderr).toMatch(told)
    expect(ended.stderr).not.toMatch(/p%40ss|p@ss|^ +at /m)
    expect(ended).toMatchObject({ code, stdout: '' })
  })

  test('doctor reports that it cannot connect, and skips the later steps', async () => {
    await using world = await backend.open()
    const ended = await world.run('doctor', '--url', 'etcd://127.0.0.1:1')
    expect(ended).toMatchObject({ code: 4, stderr: '' })
    expect(ended.stdout).toMatch(/FAIL connect .*ECONNREFUSED.*\n$/)
  })

  test('output that cannot be written is a failure', async () => {
    await using world = await backend.open()
    const ended = await world.runInto('/dev/full', 'doctor')
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringContaining('ENOSPC') as string })
  })

  test('help, version and completion end with 0', async () => {
    await using world = await backend.open()
    const [help, version, completion] = await Promise.all([
      world.run('watch', '--help'),
      world.run('--version'),
      world.run('completion', 'bash'),
    ])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    expect(version).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
    expect(completion).toMatchObject({ code: 0, stdout: expect.stringContaining('complete -o') })
  })
})

describe.concurrent('sd for people and shells', () => {
  const backend = embeddedDefault()

  test('an empty registry is told, and so is one command by help', async () => {
    await using world = await backend.open()
    expect(await world.run('list')).toMatchObject({
      code: 0,
      stdout: '',
      stderr: 'sd: no service is registered\n',
    })
    expect((await world.run('list', '--json')).stdout).toBe('')
    const [help, option] = await Promise.all([
      world.run('help', 'watch'),
      world.run('watch', '--help'),
    ])
    expect(help).toMatchObject({ code: 0, stdout: option.stdout })
    expect(help.stdout).toContain('Usage: sd watch')
  })

  test(
    'complete prints names, and nothing where the registry does not answer',
    { timeout: 120_000 },
    async () => {
      await using world = await backend.open()
      const held = world.start('register', 'orders', '--endpoint', 'http://h:1', '--id', 'a')
      await held.writes(/registered/)
      const completes = async (expected: string, ...args: readonly string[]): Promise<void> =>
        expect(await world.run('complete', '--within-ms', '20000', ...args)).toMatchObject({
          code: 0,
          stdout: expected,
          stderr: '',
        })
      await completes('orders\n')
      await completes('a\n', 'orders')
      await completes('a\n', 'orders', '--url', world.url)
      // the limit counts from the start of the process: a shorter one than Node's own start is over
      expect((await world.run('complete', '--within-ms', '1')).stdout).toBe('')
      const plain = await world.runTimed('--version')
      const away = await world.runTimed('complete', '--url', 'etcd://127.0.0.1:1')
      expect(away).toMatchObject({ code: 0, stdout: '' })
      // not the three seconds of a list; an import that is under way takes what --version takes
      expect(away.wallMs).toBeLessThan(300 + 2 * plain.wallMs + slackMs / 10)
      held.child.kill('SIGTERM')
      await held.ended
    },
  )
})
