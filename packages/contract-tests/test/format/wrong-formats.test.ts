import { jsonFormat, kratosFormat, type WireFormat } from '@sd/core/driver'
import { expect, test } from 'vitest'
import { formatCases } from '../../src/format/format-cases.ts'

const samples = {
  foreign: [{ key: 'orders/1', value: '{"id":"1","name":"orders"}', instance: { id: '1' } }],
  unreadable: [{ key: 'orders/1', value: 'no json' }],
  damaged: 500,
}

/** The names of the cases that fail, by their first words. */
const failures = (format: WireFormat): readonly string[] =>
  formatCases
    .filter(({ run }) => {
      try {
        run(format, samples)
        return false
      } catch {
        return true
      }
    })
    .map(({ name }) => name.split(' ').slice(0, 3).join(' '))

const decode = (change: (record: ReturnType<typeof jsonFormat.decode>) => unknown): WireFormat => ({
  ...jsonFormat,
  decode: (key, value) => change(jsonFormat.decode(key, value)) as ReturnType<WireFormat['decode']>,
})

test('right formats pass', () => {
  expect(failures(jsonFormat)).toEqual([])
  expect(failures(kratosFormat)).toEqual([])
})

test.each<[string, WireFormat, string]>([
  [
    'throws for what it cannot read',
    {
      ...jsonFormat,
      decode: (key, value) => {
        const record = jsonFormat.decode(key, value)
        if ('skipped' in record) throw new Error(record.skipped)
        return record
      },
    },
    'never throws, and',
  ],
  [
    'gives no reason',
    decode((record) => ('skipped' in record ? { skipped: '' } : record)),
    'skips what it',
  ],
  [
    'loses the weight, and does not say so',
    decode((record) =>
      'skipped' in record ? record : { ...record, instance: { ...record.instance, weight: 100 } },
    ),
    'reads back what',
  ],
  ['says that it lacks what it carries', { ...jsonFormat, lacks: ['zone'] }, 'reads back what'],
  [
    'has one key for two ids',
    { ...jsonFormat, key: ({ service }) => `${jsonFormat.prefix(service)}x` },
    'finds the service',
  ],
  [
    'has a prefix that other services share',
    { ...jsonFormat, prefix: (service) => service.slice(0, 1) },
    'finds the service',
  ],
  ['takes any key', { ...jsonFormat, serviceOf: (key) => key.split('/')[0] }, 'ignores keys of'],
  [
    'writes other bytes each time',
    {
      ...jsonFormat,
      encode: (request) =>
        jsonFormat.encode({ ...request, unknownFields: { at: performance.now() } }),
    },
    'writes the same',
  ],
  ['cannot read the peers', decode(() => ({ skipped: 'always' })), 'reads the records'],
  [
    'yields half an instance',
    decode((record) =>
      'skipped' in record ? record : { ...record, instance: { ...record.instance, id: '' } },
    ),
    'never throws, and',
  ],
])('a format that %s fails', (_, format, name) => {
  expect(failures(format)).toContain(name)
})
