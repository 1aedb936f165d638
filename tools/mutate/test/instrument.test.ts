import { stripTypeScriptTypes } from 'node:module'
import { describe, expect, test } from 'vitest'
import { findMutants } from '../src/find-mutants.ts'
import { instrument } from '../src/instrument.ts'
import { showChange } from '../src/mutant.ts'

/** Runs `code` with each mutant on in turn; it calls `out` with what it has to say. */
const outputs = (code: string): Readonly<Record<string, unknown>> => {
  const mutants = findMutants('x.ts', code).map((mutant, number) => ({ ...mutant, number }))
  const text = stripTypeScriptTypes(instrument('x.ts', code, mutants, '$isOn'))
  const runWith = (active: number): unknown => {
    let said: unknown
    const out = (value: unknown): void => void (said = value)
    // oxlint-disable-next-line typescript/no-implied-eval -- the code stands in this file
    const run = new Function('$isOn', 'out', text) as (...args: readonly unknown[]) => void
    run((number: number) => number === active, out)
    return said
  }
  return Object.fromEntries([
    ['none', runWith(-1)],
    ...mutants.map((mutant) => [showChange(mutant), runWith(mutant.number)]),
  ]) as Record<string, unknown>
}

describe('instrument', () => {
  test('switches mutants in mutants on one at a time', () => {
    expect(outputs('const a: number = 2\nout((a < 3 && a > 1) as boolean)')).toEqual({
      none: true,
      'out((a < 3 && a > 1) as boolean) → (nothing)': undefined,
      'a < 3 && a > 1 → a < 3 || a > 1': true,
      'a < 3 → true': true,
      'a < 3 → a <= 3': true,
      'a < 3 → a >= 3': false,
      'a > 1 → true': true,
      'a > 1 → a >= 1': true,
      'a > 1 → a <= 1': false,
    })
  })

  test('lets no bracket continue the line before', () => {
    const code =
      'const f = () => 1\nconst a = f\nout(0)\ntrue && out(1)\nif (a) out(2)\nelse out(3)'
    expect(outputs(code)).toMatchObject({ none: 2, 'a → false': 3, 'out(2) → (nothing)': 1 })
  })

  test('empties functions', () => {
    const code = 'const f = (x: number): number => {\n  const y = x\n  return y\n}\nout(f(4))'
    expect(outputs(code)).toMatchObject({ none: 4, '{ const y = x return y } → {}': undefined })
  })

  test('keeps the short cut of a chain', () => {
    const code = 'const a: { b?: { c: () => number } } = {}\nout(a.b?.c().toFixed())'
    expect(outputs('try {' + code + '} catch { out("threw") }')).toMatchObject({
      none: undefined,
      'a.b?.c().toFixed() → a.b.c().toFixed()': 'threw',
    })
  })
})
