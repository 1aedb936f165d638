import type { InstanceChange, ServiceInstance } from '@sd/core'
import {
  createPicker,
  type Pick,
  type Picker,
  type PickerOptions,
  type StrategyOptions,
} from '@sd/balancer'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { instance, ManualClock, seeded } from './support.ts'

const strategies: readonly StrategyOptions[] = [
  { name: 'p2c' },
  { name: 'peak-ewma' },
  { name: 'round-robin' },
  { name: 'weighted' },
  { name: 'random' },
  { name: 'consistent-hash', points: 8 },
  { name: 'sticky', maxKeys: 3 },
]

const filter = { tags: ['good'], zone: ['a', 'b'] }
const passes = ({ tags, zone }: ServiceInstance): boolean =>
  tags.includes('good') && (zone === 'a' || zone === 'b')

const ids = Array.from({ length: 12 }, (_, index) => `i${index}`)

const instanceOf = fc.record({
  id: fc.constantFrom(...ids),
  weight: fc.constantFrom(0, 1, 100, 100, 100, 65_535),
  tags: fc.constantFrom<(readonly string[])[]>(['good'], ['good', 'x'], ['x']),
  zone: fc.constantFrom('a', 'a', 'b', 'c', undefined),
  port: fc.constantFrom(1, 1, 2),
  secure: fc.boolean(),
})

type Step =
  | { readonly kind: 'put'; readonly instance: ServiceInstance }
  | { readonly kind: 'remove' | 'suspend' | 'resume'; readonly id: string }
  | { readonly kind: 'call'; readonly failed: boolean; readonly key: string | undefined }
  | { readonly kind: 'wait'; readonly ms: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: instanceOf.map(({ id, weight, tags, zone, port, secure }) => ({
      kind: 'put' as const,
      instance: instance(id, {
        weight,
        tags,
        ...(zone === undefined ? {} : { zone }),
        endpoints: [`http://${id}:${port}`, ...(secure ? [`https://${id}:${port}`] : [])],
      }),
    })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('remove' as const, 'suspend' as const, 'resume' as const),
      id: fc.constantFrom(...ids),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('call' as const),
      failed: fc.boolean(),
      key: fc.constantFrom('k1', 'k2', 'k3', 'k4', undefined),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 500, 5_000, 40_000),
    }),
  },
)

/** A picker, and a simple model of its inputs. */
class Model {
  readonly present = new Map<string, ServiceInstance>()
  readonly suspended = new Set<string>()
  readonly clock = new ManualClock()
  readonly picker: Picker
  /** The set that results from the returned changes. */
  readonly told = new Map<string, ServiceInstance>()

  constructor(options: PickerOptions) {
    this.picker = createPicker({ ...options, clock: this.clock, random: seeded(7) })
  }

  run(one: Step): void {
    switch (one.kind) {
      case 'put': {
        const previous = this.present.get(one.instance.id)
        this.present.set(one.instance.id, one.instance)
        this.#apply([
          previous === undefined
            ? { type: 'added', instance: one.instance }
            : { type: 'updated', instance: one.instance, previous },
        ])
        break
      }
      case 'remove': {
        const previous = this.present.get(one.id)
        this.present.delete(one.id)
        this.suspended.delete(one.id)
        if (previous !== undefined) this.#apply([{ type: 'removed', instance: previous }])
        break
      }
      case 'suspend':
      case 'resume':
        this.picker[one.kind](one.id)
        if (one.kind === 'suspend' && this.present.has(one.id)) this.suspended.add(one.id)
        else this.suspended.delete(one.id)
        break
      case 'call': {
        if (this.picker.size === 0) break
        const picked = this.picker.pick({ key: one.key })
        picked.done(one.failed ? { error: new Error('failed') } : undefined)
        break
      }
      case 'wait':
        this.clock.advance(one.ms)
    }
  }

  #apply(changes: readonly InstanceChange[]): void {
    for (const change of this.picker.apply(changes)) {
      const { id } = change.instance
      const previous = change.type === 'added' ? undefined : this.told.get(id)
      const expected = change.type === 'updated' ? change.previous : previous
      if (previous !== expected || this.told.has(id) === (change.type === 'added'))
        throw new Error(`${change.type} ${id} contradicts the earlier changes`)
      if (change.type === 'removed') this.told.delete(id)
      else this.told.set(id, change.instance)
    }
  }

  get wanted(): readonly ServiceInstance[] {
    return [...this.present.values()].filter((one) => one.weight > 0 && passes(one))
  }
}

const everything: PickerOptions = {
  filter,
  zone: 'a',
  slowStart: { windowMs: 10_000 },
  outlier: {
    consecutiveErrors: 2,
    maxEjectionPercent: 100,
    baseEjectionMs: 5_000,
    intervalMs: 1_000,
  },
}

/** The instance of each of many keys, for strategies without randomness. */
const owners = (picker: Picker, { name }: StrategyOptions): readonly string[] =>
  Array.from({ length: name === 'consistent-hash' ? 50 : 0 }, (_, key) => {
    const picked = picker.pick({ key: `key ${key}` })
    picked.done()
    return picked.instance.id
  })

const attempt = (pick: () => Pick): { readonly picked?: Pick; readonly error?: string } => {
  try {
    return { picked: pick() }
  } catch (error) {
    return { error: String(error) }
  }
}

describe.each(strategies)('$name', (strategy) => {
  test('picks only what is present, not drained, not filtered out, not suspended, not excluded, and has the scheme', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60, size: 'max' }),
        fc.uniqueArray(fc.constantFrom(...ids), { maxLength: 4 }),
        (steps, excluded) => {
          const model = new Model({ ...everything, strategy })
          const exclude = new Set(excluded)
          for (const one of steps) {
            model.run(one)
            const request = { key: 'k', exclude, scheme: 'https' }
            const may = model.wanted.filter(
              ({ id, endpoints }) =>
                !model.suspended.has(id) && !exclude.has(id) && endpoints.length === 2,
            )
            const { picked, error } = attempt(() => model.picker.pick(request))
            // only ejection can leave no instance
            const why = may.length > 0 ? 'ejected' : '[unavailable] pick'
            expect([undefined, ...may]).toContain(picked?.instance)
            expect(picked?.endpoint).toBe(picked?.instance.endpoints[1])
            expect(error ?? `${why} [unavailable] pick`).toContain(why)
            picked?.done()
          }
        },
      ),
      { numRuns: 60 },
    )
  })

  test('returns the changes of the set of instances, and applies them', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const model = new Model({ ...everything, strategy })
        for (const one of steps) {
          model.run(one)
          expect(new Set(model.picker.instances)).toEqual(new Set(model.wanted))
          expect(new Set(model.told.values())).toEqual(new Set(model.wanted))
        }
      }),
      { numRuns: 40 },
    )
  })

  test('equals after any changes one that is built from the remaining instances', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const options: PickerOptions = {
          strategy,
          filter,
          zone: 'a',
          subset: { size: 4, clientId: 'c' },
        }
        const model = new Model(options)
        for (const one of steps) model.run(one)
        for (const id of model.suspended) model.picker.resume(id)
        const fresh = createPicker({ ...options, clock: model.clock, random: seeded(7) })
        fresh.apply([...model.present.values()].map((one) => ({ type: 'added', instance: one })))
        expect(model.picker.size).toBe(fresh.size)
        expect(new Set(model.picker.instances)).toEqual(new Set(fresh.instances))
        if (fresh.size === 0) return
        expect(owners(model.picker, strategy)).toEqual(owners(fresh, strategy))
        // no instance is missed: with any exclusions the remaining ones are found
        for (const one of fresh.instances) {
          const others = fresh.instances.filter((other) => other !== one).map(({ id }) => id)
          expect(model.picker.pick({ exclude: new Set(others) }).instance).toBe(one)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('ejects no instance below the panic threshold', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120, size: 'max' }),
        fc.constantFrom(0, 20, 50, 90, 100),
        (steps, panicPercent) => {
          const model = new Model({
            strategy,
            outlier: {
              consecutiveErrors: 1,
              maxEjectionPercent: 100,
              intervalMs: 1_000,
            },
            panicPercent,
          })
          for (const one of steps) {
            model.run(one)
            const all = [...model.present.values()].filter(
              ({ id, weight }) => weight > 0 && !model.suspended.has(id),
            ).length
            expect(100 * model.picker.size).toBeGreaterThanOrEqual(panicPercent * all)
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})
