import { describe, expect, test } from 'vitest'
import { HostRotation, parseHost } from '../../../src/client/connection/host-rotation.ts'

const hosts = ['a', 'b', 'c'].map((host) => ({ host, port: 2181 }))

const rotation = (sessionTimeoutMs = 10_000, chance = 0) =>
  new HostRotation(hosts, sessionTimeoutMs, { next: () => chance, id: () => '' })

const take = (from: HostRotation, count: number) =>
  Array.from({ length: count }, () => {
    const { host, delayMs } = from.next()
    return [host.host, delayMs] as const
  })

describe('HostRotation', () => {
  test('tries each host without delay, then repeats in rounds up to a second apart', () => {
    expect(take(rotation(), 18).filter(([host]) => host === 'a')).toEqual([
      ['a', 0],
      ['a', 50],
      ['a', 100],
      ['a', 200],
      ['a', 400],
      ['a', 500],
    ])
    expect(take(rotation(), 18).filter(([host]) => host !== 'a')).toEqual(
      Array.from({ length: 12 }, (_, index) => [index % 2 === 0 ? 'b' : 'c', 0]),
    )
  })

  test('starts at any host, and wraps around', () => {
    expect(take(rotation(10_000, 0.99), 3).map(([host]) => host)).toEqual(['c', 'a', 'b'])
  })

  test('the delay is shorter than a short session', () => {
    const delays = take(rotation(2_000, 0.99), 100).map(([, delayMs]) => delayMs)
    expect(Math.max(...delays)).toBeLessThanOrEqual(500)
  })

  test('once a connection has lasted, the next host is tried at once', () => {
    const used = rotation()
    take(used, 10)
    used.settled()
    expect(take(used, 2)).toEqual([
      ['b', 0],
      ['c', 0],
    ])
  })
})

describe('parseHost', () => {
  test.each([
    ['zk1.example:2181', { host: 'zk1.example', port: 2181 }],
    ['10.0.0.1:1', { host: '10.0.0.1', port: 1 }],
    ['[::1]:65535', { host: '::1', port: 65_535 }],
  ])('%s', (text, host) => {
    expect(parseHost(text)).toEqual(host)
  })

  test.each(['zk1', 'zk1:', ':1', '::1:2181', 'zk1:0', 'zk1:65536', 'a b:1', 'u@h:1', 'h:1/x'])(
    'refuses %s',
    (text) => {
      expect(parseHost(text)).toBeUndefined()
    },
  )
})
