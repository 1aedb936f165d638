import { createDriverContext } from '@sd/core/driver'
import { observing, orders, request, soon } from '@sd/contract-tests/world'
import { until } from '@sd/test-servers'
import { type Client, CreateMode, createClient } from 'node-zookeeper-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { zookeeper } from '../../src/index.ts'
import { clientTls, plainOf, provideZooKeeper } from '../test-tls.ts'

const servers = await provideZooKeeper()
const endpoint = servers.endpoints[0] ?? ''
const namespace = 'beside-the-library'

describe('a program on node-zookeeper-client', () => {
  let library: Client

  beforeAll(async () => {
    library = createClient(plainOf(servers), { sessionTimeout: 10_000 })
    const connected = new Promise<void>((resolve) => library.once('connected', resolve))
    library.connect()
    await connected
  })
  afterAll(async () => {
    library?.close()
    await servers[Symbol.asyncDispose]()
  })

  const children = (path: string): Promise<string[]> =>
    new Promise((resolve, reject) =>
      library.getChildren(path, (error, names) => (error ? reject(error) : resolve(names))),
    )
  const data = (path: string): Promise<string> =>
    new Promise((resolve, reject) =>
      library.getData(path, (error, found) =>
        error ? reject(error) : resolve(found?.toString() ?? ''),
      ),
    )

  test('sees what this driver registers, updates and removes, and is told of it', async () => {
    await using driver = zookeeper({ ...clientTls, hosts: [endpoint], namespace })(
      createDriverContext(),
    )
    const session = await driver.openSession({ ttlMs: 5_000 }, soon())
    await session.put([request('1')], soon())
    expect(await children(`/${namespace}/orders`)).toEqual(['1'])
    expect(JSON.parse(await data(`/${namespace}/orders/1`))).toMatchObject({ id: '1' })
    const told: string[] = []
    library.getData(
      `/${namespace}/orders/1`,
      (event) => told.push(event.getName()),
      () => {},
    )
    await data(`/${namespace}/orders/1`)
    await session.close(soon())
    await until('the library is told', () => told.length === 1, 5_000)
    expect(told).toEqual(['NODE_DELETED'])
    expect(await children(`/${namespace}/orders`)).toEqual([])
  })

  test('is seen by this driver: what it registers, changes and removes', async () => {
    await using driver = zookeeper({ ...clientTls, hosts: [endpoint], namespace })(
      createDriverContext(),
    )
    const session = await driver.openSession({ ttlMs: 5_000 }, soon())
    await session.put([request('1')], soon())
    const record = await data(`/${namespace}/orders/1`)
    await session.close(soon())
    await using watch = observing(driver)
    expect(await watch.any()).toMatchObject({ records: [] })
    const path = `/${namespace}/orders/2`
    const own = record.replace('"id":"1"', '"id":"2"')
    await new Promise<void>((resolve, reject) =>
      library.create(path, Buffer.from(own), CreateMode.EPHEMERAL, (error) =>
        error ? reject(error) : resolve(),
      ),
    )
    expect(await watch.next()).toMatchObject({ records: [{ key: 'orders/2' }] })
    await new Promise<void>((resolve, reject) =>
      library.setData(path, Buffer.from(own.replace('"weight":100', '"weight":7')), (error) =>
        error ? reject(error) : resolve(),
      ),
    )
    expect(await watch.next()).toMatchObject({ records: [{ key: 'orders/2' }] })
    const { records } = await driver.list(orders, soon())
    expect(records).toMatchObject([{ key: 'orders/2' }])
    await new Promise<void>((resolve, reject) =>
      library.remove(path, (error) => (error ? reject(error) : resolve())),
    )
    expect(await watch.next()).toMatchObject({ removed: ['orders/2'] })
  })
})
