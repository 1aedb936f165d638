import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { eventually } from '../../src/eventually.ts'
import { launchCluster, type Server, TcpProxy } from '../../src/servers/index.ts'
import { runDir } from '../../src/servers/run-id.ts'
import { ask, tinyServer } from './tiny-server.ts'

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('a launched server', () => {
  test('has the arguments, files and environment of its spec and of the test', async () => {
    await using cluster = await launchCluster(tinyServer, {
      files: { 'more.conf': 'x' },
      args: (member) => [`--of=${member.name}`],
      env: { MORE: 'too' },
    })
    const [server] = cluster.servers as [Server]
    expect([cluster.driver, cluster.version, server.name, server.version]).toEqual([
      'process',
      '1.2.3',
      'n1',
      '1.2.3',
    ])
    expect(await ask(server.endpoints['client'], 'conf')).toBe('n1 of 1.2.3')
    expect(await ask(server.endpoints['client'], 'env')).toBe('yes too')
    expect(await server.logs()).toContain('n1 starts, --of=n1')
  })

  test('keeps port and data over restarts, and loses the data when it is wiped', async () => {
    await using cluster = await launchCluster(tinyServer)
    const [server] = cluster.servers as [Server]
    const { client } = server.endpoints
    await server.restart('kill')
    await server.restart()
    expect(await ask(client, 'count')).toBe('3')
    await expect(server.wipe()).rejects.toThrow('n1 runs; stop it before its data is wiped')
    await server.stop()
    await expect(ask(client, 'count')).rejects.toThrow('ECONNREFUSED')
    await server.wipe()
    await server.start()
    expect(server.endpoints['client']).toBe(client)
    expect(await ask(client, 'count')).toBe('1')
  })

  test('can be frozen and resumed, and cut off by a proxy', async () => {
    await using cluster = await launchCluster(tinyServer)
    const [server] = cluster.servers as [Server]
    await using proxy = await TcpProxy.to(server.endpoints['client'] ?? '')
    await server.pause()
    await expect(ask(proxy.endpoint, 'name')).rejects.toThrow('no answer')
    await server.resume()
    expect(await ask(proxy.endpoint, 'name')).toBe('n1')
    proxy.refuse(true)
    await expect(ask(proxy.endpoint, 'name')).rejects.toThrow(/ECONNRESET|closed/)
    await server.pause()
    await server.stop() // stopping resumes it first
    await expect(ask(server.endpoints['client'], 'name')).rejects.toThrow('ECONNREFUSED')
  })

  test('that ends while it starts rejects with its log', async () => {
    await expect(launchCluster(tinyServer, { args: ['--fail'] })).rejects.toThrow(
      /tiny n1 ended while it started:[^]*n1 starts, --fail[^]*asked to fail/,
    )
  })

  test('whose program does not exist rejects', async () => {
    const spec = { ...tinyServer, process: { command: ['/no/such/program'] } }
    await expect(launchCluster(spec)).rejects.toThrow('tiny n1 ended while it started')
  })

  test('is refused where its spec does not support an option', async () => {
    const { process: _, ...nowhere } = tinyServer
    await expect(launchCluster(nowhere)).rejects.toThrow("neither 'process' nor 'container'")
    await expect(launchCluster(tinyServer, { tls: { cert: '', key: '' } })).rejects.toThrow(
      'tiny: the server spec does not support TLS',
    )
  })
})

test('the members of a cluster know each other, and are stopped, wiped and started together', async () => {
  await using cluster = await launchCluster(tinyServer, { members: ['a', 'b', 'c'] })
  const endpoints = cluster.servers.map((server) => server.endpoints)
  const peers = endpoints.map(({ peer }) => peer).join()
  for (const { client } of endpoints) expect(await ask(client, 'peers')).toBe(peers)
  await cluster.stop('kill')
  await cluster.wipe()
  await cluster.start()
  for (const { client } of endpoints) expect(await ask(client, 'count')).toBe('1')
})

test('disposing of a cluster leaves no process', async () => {
  const cluster = await launchCluster(tinyServer)
  const pid = Number(await ask(cluster.servers[0]?.endpoints['client'], 'pid'))
  expect(isAlive(pid)).toBe(true)
  await cluster[Symbol.asyncDispose]()
  await eventually('the process has ended', 5_000, () => !isAlive(pid))
})

/** Another process that launches the tiny server, and prints the server's pid. */
const launchElsewhere = (env: NodeJS.ProcessEnv = {}) => {
  const code = `
    import { launchCluster, startSweeper } from '${new URL('../../src/servers/index.ts', import.meta.url).href}'
    import { ask, tinyServer } from '${new URL('./tiny-server.ts', import.meta.url).href}'
    startSweeper()
    const cluster = await launchCluster(tinyServer)
    console.log(await ask(cluster.servers[0].endpoints.client, 'pid'))`
  return spawn(
    process.execPath,
    ['--conditions=@sd/source', '--input-type=module', '--eval', code],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
}

// on other systems the sweeper removes the folder, and the server continues to run
test.runIf(process.platform === 'linux')(
  'the server of a killed test process ends with it, and the sweeper removes its folder',
  { timeout: 60_000 },
  async () => {
    const run = `killed-${process.pid}-${Date.now()}`
    const other = launchElsewhere({ SD_TEST_RUN: run })
    const [line] = (await once(other.stdout, 'data')) as [Buffer]
    const pid = Number(line.toString())
    expect(isAlive(pid)).toBe(true)
    expect(existsSync(runDir(run))).toBe(true)
    other.kill('SIGKILL')
    await eventually('the server has ended', 10_000, () => !isAlive(pid))
    await eventually('its folder is removed', 30_000, () => !existsSync(runDir(run)))
  },
)
