import { consul, type ProvidedServers, provideServers, until } from '@sd/test-servers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { embeddedDefault, slackMs } from './support.ts'

let servers: ProvidedServers
let endpoint: string
beforeAll(async () => {
  servers = await provideServers(consul)
  endpoint = servers.endpoints[0] ?? ''
})
afterAll(() => servers[Symbol.asyncDispose]())

interface AgentService {
  readonly ID: string
  readonly Tags: readonly string[]
  readonly Meta: Readonly<Record<string, string>>
  readonly TaggedAddresses: Readonly<Record<string, { readonly Address: string }>>
}

const agent = async (path: string, body?: object): Promise<unknown> => {
  const init = body && { method: 'PUT', body: JSON.stringify(body) }
  const response = await fetch(`http://${endpoint}/v1/agent/${path}`, init)
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  const text = await response.text()
  return text === '' ? undefined : JSON.parse(text)
}

/** The agent's services of that name. */
const services = async (name: string): Promise<readonly AgentService[]> => {
  const filter = encodeURIComponent(`Service == "${name}"`)
  return Object.values((await agent(`services?filter=${filter}`)) as Record<string, AgentService>)
}

test('register, list, watch, copy and doctor work on a Kratos fleet', async () => {
  await using world = await embeddedDefault().open()
  const address = { Address: 'http://10.0.0.9:8000', Port: 8000 }
  await agent('service/register', {
    ID: 'kratos-1',
    Name: 'orders',
    Tags: ['version=v1.0.0'],
    Meta: { weight: '50' },
    Address: '10.0.0.9',
    Port: 8000,
    TaggedAddresses: { http: address },
    Check: { CheckID: 'service:kratos-1', TTL: '600s', Status: 'passing' },
  })
  const from = `consul://${endpoint}?format=kratos`
  const url = ['--url', `${from}&ttl=5s`]
  const watching = world.start('watch', 'orders', ...url)
  await watching.writes(/fresh +1/)
  const at = ['--endpoint', 'https://10.0.0.1:8443', '--weight', '7', '--zone', 'eu-1a']
  const held = world.start('register', 'orders', '--id', 'sd-1', ...at, ...url)
  await watching.writes(/added +orders\/sd-1/)
  const [ours] = (await services('orders')).filter(({ ID }) => ID !== 'kratos-1')
  expect(ours).toMatchObject({
    ID: 'sd:orders:sd-1',
    Tags: ['version='],
    TaggedAddresses: { https: { Address: 'https://10.0.0.1:8443' } },
  })
  expect(ours?.Meta).toEqual({ weight: '7' })
  const listed = await world.run('list', 'orders', '--json', ...url)
  const instances = listed.stdout.trim().split('\n')
  expect(instances.map((line) => JSON.parse(line) as object)).toMatchObject([
    { id: 'kratos-1', weight: 50, version: 'v1.0.0', endpoints: ['http://10.0.0.9:8000'] },
    { id: 'sd-1', weight: 7, zone: 'eu-1a' },
  ])
  const names = await world.run('list', ...url)
  expect(names.stdout).toContain('orders')

  const to = `consul://${endpoint}/copied?format=spring-consul`
  const copying = world.start('copy', from, to, '--apply', '--follow')
  await until(
    'both are copied',
    async () => (await services('copied.orders')).length === 2,
    slackMs,
  )
  const copied = await services('copied.orders')
  expect(new Set(copied.map(({ Meta }) => Meta['secure']))).toEqual(new Set(['false', 'true']))
  copying.child.kill('SIGTERM')

  const doctor = await world.run('doctor', ...url)
  expect(doctor.code).toBe(0)
  expect(doctor.stdout).toMatch(/ok +format .*kratos carries everything/)
  const refused = await world.run('set', 'orders', 'kratos-1', '--weight', '1', ...url)
  expect(refused.code).toBe(1)
  await agent('service/deregister/kratos-1', {})
  await watching.writes(/removed +orders\/kratos-1/)
  held.child.kill('SIGTERM')
  await until('nothing is left', async () => (await services('orders')).length === 0, slackMs)
}, 90_000)

test('a format that Consul cannot carry is refused with those that it can', async () => {
  await using world = await embeddedDefault().open()
  const curator = await world.run('list', '--url', 'consul://127.0.0.1:1?format=curator')
  expect(curator.code).toBe(2)
  expect(curator.stderr).toContain('backend "consul" carries json, kratos, spring-consul')
})
