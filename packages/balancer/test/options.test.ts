import { RegistryError } from '@sd/core'
import { createBalancer, createFilter, createPicker, RetryBudget } from '@sd/balancer'
import { expect, test } from 'vitest'

test.each<[unknown, string]>([
  [[], 'the options is a list; expected an object'],
  [
    { filtr: {} },
    '"filtr" is not an option; did you mean "filter"? (known: service, strategy, filter',
  ],
  [{ service: '' }, 'service is ""; expected a non-empty string'],
  [{ strategy: 'p2' }, 'strategy "p2" is unknown; did you mean "p2c"? (known: p2c, peak-ewma'],
  [{ strategy: { name: 'ring' } }, 'strategy.name "ring" is unknown'],
  [{ strategy: { name: 'toString' } }, 'strategy.name "toString" is unknown'],
  [{ strategy: 7 }, 'strategy is 7; expected a name, or an object with a name'],
  [{ strategy: { name: 'p2c', decayMs: 1 } }, '"strategy.decayMs" is not an option (known: name)'],
  [
    { strategy: { name: 'peak-ewma', decayMs: '10s' } },
    'strategy.decayMs is "10s"; expected a number from 1 to',
  ],
  [
    { strategy: { name: 'consistent-hash', loadFactor: 1 } },
    'strategy.loadFactor is 1; expected a number from 1.01 to 1000',
  ],
  [
    { strategy: { name: 'consistent-hash', points: 1.5 } },
    'strategy.points is 1.5; expected a whole number from 1 to 1000',
  ],
  [{ strategy: { name: 'sticky', maxKeys: 0 } }, 'strategy.maxKeys is 0; expected a whole number'],
  [{ filter: 'x' }, 'filter is "x"; expected an object'],
  [{ filter: { tag: 'x' } }, '"filter.tag" is not an option; did you mean "filter.tags"?'],
  [{ filter: { version: 'new' } }, 'filter.version is "new"; expected a range of versions'],
  [{ filter: { version: '' } }, 'filter.version is ""; expected a range of versions'],
  [{ filter: { tags: [] } }, 'filter.tags is a list; expected a list of one or more non-empty'],
  [
    { filter: { metadata: { a: 1 } } },
    'filter.metadata is an object; expected an object whose values',
  ],
  [{ filter: { zone: '' } }, 'filter.zone is ""; expected a non-empty string'],
  [{ filter: { predicate: true } }, 'filter.predicate is true; expected a function'],
  [{ zone: '' }, 'zone is ""; expected a non-empty string'],
  [{ zone: {} }, 'zone.local is undefined; expected a non-empty string'],
  [{ zone: { local: 'a', minInstances: -1 } }, 'zone.minInstances is -1; expected a whole number'],
  [{ subset: 0 }, 'subset is 0; expected a whole number from 1 to'],
  [{ subset: {} }, 'subset.size is undefined; expected a whole number from 1 to'],
  [{ subset: { size: 1, clientId: '' } }, 'subset.clientId is ""; expected a non-empty string'],
  [{ slowStart: { windowMs: 0 } }, 'slowStart.windowMs is 0; expected a number from 1 to'],
  [
    { slowStart: { window: 1 } },
    '"slowStart.window" is not an option; did you mean "slowStart.windowMs"?',
  ],
  [{ panicPercent: 101 }, 'panicPercent is 101; expected a number from 0 to 100'],
  [
    { outlier: { consecutiveErrors: 0 } },
    'outlier.consecutiveErrors is 0; expected a whole number',
  ],
  [
    { outlier: { successRate: { minCalls: -1 } } },
    'outlier.successRate.minCalls is -1; expected a whole number',
  ],
  [
    { outlier: { failurePercentage: { percent: 1 } } },
    '"outlier.failurePercentage.percent" is not an option',
  ],
  [{ clock: 7 }, 'clock is 7; expected an object'],
  [{ random: Math.random }, 'random is a function; expected an object'],
])('%o is refused', (options, message) => {
  const create = () => createPicker(options as object)
  expect(create).toThrow(RegistryError)
  expect(create).toThrow('[invalid-config] create picker: ')
  expect(create).toThrow(message)
})

test('a balancer refuses invalid arguments before it opens a watch', () => {
  const never = {
    watch: () => {
      throw new Error('opened')
    },
  }
  const create = (source: unknown, options: unknown) => () =>
    createBalancer(source as never, options as never)
  expect(create(never, { service: 'orders', zone: 1 })).toThrow('zone is 1')
  expect(create(never, { service: 'orders', onChange: 1 })).toThrow(
    'onChange is 1; expected a function',
  )
  expect(create(never, { service: 'orders', onchange: 1 })).toThrow('did you mean "onChange"?')
  expect(create(never, {})).toThrow('service is undefined; expected a non-empty string')
  expect(create(undefined, {})).toThrow('the first argument is undefined; expected a registry')
  expect(create({}, {})).toThrow('the first argument is an object; expected a registry')
})

test('the options of a pick are checked', () => {
  const picker = createPicker()
  const pick = (options: unknown) => () => picker.pick(options as never)
  expect(pick({ key: 7 })).toThrow('[invalid-argument] pick: key is 7; expected a string')
  expect(pick({ exclude: ['a'] })).toThrow('exclude is a list; expected a set of ids')
})

test('filters and budgets check their options as well', () => {
  expect(() => createFilter({ version: 'x.y' })).toThrow(
    '[invalid-config] create filter: filter.version',
  )
  expect(() => new RetryBudget({ ratio: -1 })).toThrow(
    'ratio is -1; expected a number from 0 to 1000',
  )
  expect(() => new RetryBudget({ rate: 1 } as never)).toThrow(
    '"rate" is not an option; did you mean "ratio"?',
  )
})
