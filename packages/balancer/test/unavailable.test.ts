import { createPicker, type PickerOptions, type PickOptions } from '@sd/balancer'
import { expect, test } from 'vitest'
import { added, instance } from './support.ts'

const reason = (
  options: PickerOptions,
  present: readonly ReturnType<typeof instance>[],
  request?: PickOptions,
): string => {
  const picker = createPicker({ service: 'orders', ...options })
  picker.apply(added(...present))
  try {
    picker.pick(request)
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('something was picked')
}

test('a failed pick says exactly why', () => {
  const drained = instance('a', { weight: 0 })
  expect(reason({}, [])).toBe('[unavailable] pick orders: no instance is registered')
  expect(reason({}, [drained])).toBe(
    '[unavailable] pick orders: of 1 registered instance 1 is drained (weight 0)',
  )
  expect(reason({}, [instance('a', { endpoints: [] })])).toContain('1 is without any endpoint')
  expect(
    reason({ filter: { version: '^2', tags: ['x', 'y'] } }, [
      drained,
      instance('b', { version: '1.0.0' }),
      instance('c'),
      instance('d', { version: '2.1.0' }),
    ]),
  ).toBe(
    '[unavailable] pick orders: of 4 registered instances 1 is drained (weight 0), ' +
      '2 are filtered out by version "^2", 1 is filtered out by tags "x", "y"',
  )
  expect(
    reason({}, [instance('a'), instance('b'), instance('c')], {
      exclude: new Set(['a', 'b']),
      scheme: ['grpc', 'h2c'],
    }),
  ).toBe(
    '[unavailable] pick orders: of 3 registered instances 2 are excluded by this pick, ' +
      '1 is without an endpoint of the wanted scheme; ' +
      'expected an endpoint of scheme "grpc" or "h2c", instances have "http"',
  )
  const few = { subset: { size: 1, clientId: 'c' } }
  expect(reason(few, [instance('a'), instance('b')], { exclude: new Set(['a', 'b']) })).toContain(
    '1 is outside the subset',
  )
})

test('after close picks throw closed', () => {
  const picker = createPicker()
  picker.apply(added(instance('a')))
  picker.close()
  expect(() => picker.pick()).toThrow('[closed] pick orders: the picker was closed')
})
