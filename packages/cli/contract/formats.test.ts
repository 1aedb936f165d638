import { isDeepStrictEqual } from 'node:util'
import { etcd, type ProvidedServers, provideServers, until } from '@sd/test-servers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openKratosFleet } from './open-kratos-fleet.ts'
import { embeddedDefault, slackMs } from './support.ts'

let servers: ProvidedServers
let endpoint: string
beforeAll(async () => {
  servers = await provideServers(etcd)
  endpoint = servers.endpoints[0] ?? ''
})
afterAll(() => servers[Symbol.asyncDispose]())

test('register, list, watch and doctor work on a Kratos fleet', { timeout: 60_000 }, async () => {
  await using world = await embeddedDefault().open()
  await using fleet = openKratosFleet(endpoint)
  const url = ['--url', `etcd://${endpoint}/microservices?format=kratos&ttl=5s`]
  const watching = world.start('watch', 'orders', ...url)
  await watching.writes(/fresh/)
  await fleet.register('kratos-1', 'http://10.0.0.9:8000', 50)
  await watching.writes(/added +orders\/kratos-1/)

  const at = ['--endpoint', 'http://10.0.0.1:80', '--weight', '7', '--zone', 'eu-1a']
  const held = world.start('register', 'orders', '--id', 'sd-1', ...at, ...url)
  await watching.writes(/added +orders\/sd-1/)
  const both = [
    { id: 'kratos-1', weight: '50' },
    { id: 'sd-1', weight: '7' },
  ]
  const bothRead = async (): Promise<boolean> => isDeepStrictEqual(await fleet.read(), both)
  await until('Kratos shows both', bothRead, slackMs)
  const listed = await world.run('list', 'orders', '--json', ...url)
  const instances = listed.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as object)
  expect(instances).toMatchObject([
    { id: 'kratos-1', weight: 50, version: 'v1.0.0' },
    { id: 'sd-1', weight: 7, zone: 'eu-1a' },
  ])
  const refused = await world.run('set', 'orders', 'kratos-1', '--weight', '1', ...url)
  expect(refused.code).toBe(1)
  expect(refused.stderr).toContain('has a record without a claim')
  expect((await world.run('set', 'orders', 'sd-1', '--weight', '9', ...url)).code).toBe(0)
  await watching.writes(/updated +orders\/sd-1 weight 7 → 9/)

  const doctor = await world.run('doctor', ...url)
  expect(doctor.code).toBe(0)
  expect(doctor.stdout).toMatch(/ok +format .*kratos carries everything/)
  await fleet.deregister('kratos-1')
  await watching.writes(/removed +orders\/kratos-1/)
  held.child.kill('SIGTERM')
  await until('nothing is left', async () => (await fleet.read()).length === 0, slackMs)
})

test(
  'doctor says what go-zero cannot carry, and another format is refused',
  { timeout: 60_000 },
  async () => {
    await using world = await embeddedDefault().open()
    const doctor = await world.run('doctor', '--url', `etcd://${endpoint}/zero?format=go-zero`)
    expect(doctor.code).toBe(0)
    expect(doctor.stdout).toMatch(
      /warn +format .*go-zero carries no endpoints beyond one address, version/,
    )
    const curator = await world.run('list', '--url', `etcd://${endpoint}/x?format=curator`)
    expect(curator.code).toBe(2)
    expect(curator.stderr).toContain('backend "etcd" carries json, kratos, go-zero, etcd-naming')
  },
)
