import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDriverContext } from '@sd/core/driver'
import { codeOf, observing, orders, request, soon } from '@sd/contract-tests/world'
import { createCertificates, TcpProxy } from '@sd/contract-tests/servers'
import { launch, provisionFor, until, zookeeper as server } from '@sd/test-servers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { zookeeper, type ZooKeeperConfig } from '../src/index.ts'
import { clientOf, connect } from './support.ts'

const controllable = (await provisionFor('zookeeper')).how !== 'endpoint'

describe.runIf(controllable)('S1: TLS', () => {
  let authority: Awaited<ReturnType<typeof createCertificates>>
  let stranger: Awaited<ReturnType<typeof createCertificates>>
  let cluster: Awaited<ReturnType<typeof launch>>
  let hosts: string[]

  beforeAll(async () => {
    ;[authority, stranger] = await Promise.all([createCertificates(), createCertificates()])
    const { ca, server: own } = authority
    cluster = await launch(server, { tls: { ...own, ca, clientCertAuth: true } })
    hosts = cluster.servers.map(clientOf)
  })
  afterAll(() => cluster?.[Symbol.asyncDispose]())

  const secure = (rest: Partial<ZooKeeperConfig> = {}): Partial<ZooKeeperConfig> => ({
    tls: { ca: authority.ca, ...authority.client },
    ...rest,
  })

  test('registers and watches with an own authority and a client certificate', async () => {
    const login = { username: 'app', password: 'hunter2', worldReadable: false }
    await using driver = connect(hosts, secure(login))
    const session = await driver.openSession({ ttlMs: 5_000 }, soon())
    await using watch = observing(driver)
    await watch.any()
    await session.put([request('1')], soon())
    await session.renew(soon())
    expect(await watch.next()).toMatchObject({ records: [{ key: 'orders/1' }] })
    expect((await driver.diagnose?.(soon()))?.serverVersion).toMatch(/^3\.\d+\.\d+$/)
    await session.close(soon())
  })

  test('a certificate that one side does not accept is reported at the first attempt', async () => {
    for (const [tls, code, reason] of [
      [authority.client, 'invalid-config', 'tls.ca is the authority'],
      [
        { ca: authority.ca, ...authority.client, serverName: 'zk.example' },
        'invalid-config',
        "does not match certificate's altnames",
      ],
      [{ ca: authority.ca }, 'permission-denied', 'check tls.cert and tls.key'],
      [{ ca: authority.ca, ...stranger.client }, 'permission-denied', 'check tls.cert and tls.key'],
    ] as const) {
      await using driver = connect(hosts, { tls })
      const error: unknown = await driver.list(orders, soon()).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code, message: expect.stringContaining(reason) as string })
    }
  })

  test('the name to verify may differ from the host', async () => {
    const { ca, client } = authority
    await using driver = connect(hosts, { tls: { ca, ...client, serverName: 'localhost' } })
    expect(await codeOf(driver.probe(soon()))).toBe('none')
  })

  test('a plain connection to the secure port fails, and says so', async () => {
    await using driver = zookeeper({ hosts })(createDriverContext())
    await expect(driver.list(orders, soon(15_000))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/expects TLS/) as string,
    })
  })

  test('certificates that are replaced on disk are used from the next connection on', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sd-zookeeper-tls-'))
    const files = {
      ca: join(folder, 'ca.pem'),
      cert: join(folder, 'cert.pem'),
      key: join(folder, 'key.pem'),
    }
    const write = async ({ ca, client }: typeof authority): Promise<void> => {
      await writeFile(files.ca, ca)
      await writeFile(files.cert, client.cert)
      await writeFile(files.key, client.key)
    }
    const { ca, server: own } = stranger
    await using replaced = await launch(server, { tls: { ...own, ca, clientCertAuth: true } })
    await using proxy = await TcpProxy.to(hosts[0] ?? '')
    try {
      await write(authority)
      const config = { hosts: [proxy.endpoint], tlsFiles: files }
      await using driver = zookeeper(config)(createDriverContext())
      await driver.probe(soon())
      // the server's own certificates are replaced, and then the client's
      proxy.target = clientOf(replaced.servers[0])
      proxy.reset()
      await until('the new authority is refused', async () =>
        ['invalid-config', 'permission-denied'].includes(await codeOf(driver.probe(soon()))),
      )
      await write(stranger)
      await until('it connects again', async () => (await codeOf(driver.probe(soon()))) === 'none')
      expect(proxy.connections).toBe(1)
      await rm(files.ca)
      proxy.reset()
      await until('the missing file is named', async () => {
        const failure = await driver.probe(soon(5_000)).catch(String)
        return typeof failure === 'string' && failure.includes(`tlsFiles.ca, ${files.ca}`)
      })
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  })
})
