import type { ServiceInstance } from '@sd/registry'
import { zookeeperFormats } from '@sd/zookeeper'
import { expect, test } from 'vitest'
import { differencesTo, differenceText, summary } from '../src/copy/differences.ts'

const format = zookeeperFormats['spring-zookeeper']

const instance = (id: string, more: Partial<ServiceInstance> = {}): ServiceInstance => ({
  service: 'orders',
  id,
  endpoints: ['http://10.0.0.1:80'],
  weight: 100,
  health: 'passing',
  tags: [],
  metadata: {},
  ...more,
})

const standing = [instance('same'), instance('other', { weight: 1 })]
const watcher = {
  get: (_: string, wanted: string) => standing.find(({ id }) => id === wanted),
}

test('what the format of the target cannot express is told before anything is written', () => {
  const given = [
    instance('new'),
    instance('same'),
    instance('other'),
    instance('bad', { metadata: { instance_status: 'DOWN' } }),
  ]
  const differences = differencesTo(given, { watcher, format })
  expect(differences.map(({ type }) => type)).toEqual(['add', 'same', 'keep', 'refuse'])
  expect(differences.map((each) => differenceText(each, format))).toEqual([
    'add     orders/new http://10.0.0.1:80',
    expect.stringContaining('keep    orders/same'),
    'keep    orders/other unchanged in the target; in the source weight 1 → 100',
    expect.stringMatching(
      /^refuse {2}orders\/bad: spring-zookeeper cannot express it: .*"instance_status"/,
    ),
  ])
  expect(summary(differences, 2)).toBe(
    '1 to add, 1 already the same, 1 that differ and stay unchanged, 1 that the target cannot express, 2 unreadable',
  )
  expect(summary([], 0)).toBe('0 to add, 0 already the same, 0 that differ and stay unchanged')
})
