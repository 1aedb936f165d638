import { describe, expect, test } from 'vitest'
import { findServers } from '../src/find-servers.ts'
import { etcd, wantedServers } from '../src/index.ts'
import type { Provision } from '../src/provision.ts'
import type { ServerSource } from '../src/server-sources.ts'

const container: Provision = { how: 'container', image: 'image', version: '3.5.16' }
const machine: Provision = { how: 'process', command: ['etcd'], version: '3.4.23', from: 'machine' }
const fetched: Provision = { ...machine, from: 'fetched' }

const gives = (name: string, provision: Provision): ServerSource => ({
  name,
  find: () => Promise.resolve(provision),
})
const lacks = (name: string, why: string): ServerSource => ({
  name,
  find: () => Promise.reject(new Error(why)),
})
const all = {
  container: gives('containers', container),
  machine: gives('machine', machine),
  fetched: gives('fetched', fetched),
  release: gives('release', { ...machine, version: '3.7.3', from: 'release' }),
}

async function find(
  env: NodeJS.ProcessEnv,
  sources = all,
): Promise<[Provision | undefined, string[]]> {
  const said: string[] = []
  const found = await findServers([etcd], { env, sources, say: (line) => said.push(line) })
  return [found['etcd'], said]
}

describe('the source of a server', () => {
  test('is an endpoint in the environment before all others', async () => {
    const [found, said] = await find({ SD_TEST_ETCD_ENDPOINT: 'there:1' })
    expect(found).toEqual({ how: 'endpoint', endpoint: 'there:1' })
    expect(said).toEqual(['test servers: etcd at there:1 (outside the control of the tests)'])
  })

  test('is containers, then the machine, then fetched packages, and is reported', async () => {
    expect((await find({}))[0]).toBe(container)
    const noEngine = { ...all, container: lacks('containers', 'no engine') }
    const [found, said] = await find({}, noEngine)
    expect(found).toBe(machine)
    expect(said[0]).toContain('no etcd from containers: no engine')
    const onlyFetched = { ...noEngine, machine: lacks('machine', 'no etcd') }
    expect((await find({}, onlyFetched))[0]).toBe(fetched)
  })

  test('can be forced', async () => {
    expect((await find({ SD_TEST_DRIVER: 'process' }))[0]).toBe(machine)
    expect((await find({ SD_TEST_DRIVER: 'process', SD_TEST_SERVERS: 'fetched' }))[0]).toBe(fetched)
    const noEngine = { ...all, container: lacks('containers', 'no engine') }
    await expect(find({ SD_TEST_DRIVER: 'docker' }, noEngine)).rejects.toThrow('no engine')
    await expect(find({ SD_TEST_DRIVER: 'podman' })).rejects.toThrow("'docker' or 'process'")
  })

  test('is the requested release before all sources, and theirs without one', async () => {
    const [found] = await find({ SD_TEST_ETCD_VERSION: '3.7' })
    expect(found).toMatchObject({ version: '3.7.3', from: 'release' })
    const noGo = { ...all, release: lacks('release', 'no Go on PATH') }
    const [older, said] = await find({ SD_TEST_VERSIONS: 'current' }, noGo)
    expect(older).toBe(container)
    expect(said).toEqual([
      'test servers: no etcd from release: no Go on PATH',
      'test servers: etcd 3.5.16 in containers of image',
    ])
    await expect(find({ SD_TEST_VERSIONS: 'current', SD_TEST_DRIVER: 'docker' })).rejects.toThrow(
      'etcd 3.7.3 runs as a process, and SD_TEST_DRIVER=docker asks for containers',
    )
  })

  test('that fails everywhere is one error that lists the attempts and what to do', async () => {
    const none = {
      container: lacks('containers', 'no engine'),
      machine: lacks('machine', 'no etcd on PATH'),
      fetched: lacks('fetched', 'no apt'),
      release: lacks('release', 'no Go'),
    }
    const failure = await find({}, none).catch((error: Error) => error.message)
    for (const part of [
      'no engine',
      'no etcd on PATH',
      'no apt',
      'SD_TEST_ETCD_ENDPOINT',
      'apt-get install etcd-server',
    ])
      expect(failure).toContain(part)
  })
})

test('the requested kinds come from the environment, unknown ones are an error', () => {
  const names = (env: NodeJS.ProcessEnv) => wantedServers(env).map(({ name }) => name)
  expect(names({})).toEqual(['etcd', 'zookeeper', 'consul'])
  expect(names({ SD_TEST_BACKENDS: 'consul, etcd' })).toEqual(['etcd', 'consul'])
  expect(names({ SD_TEST_BACKENDS: '' })).toEqual([])
  expect(() => names({ SD_TEST_BACKENDS: 'redis' })).toThrow('redis')
})
