import { describe, expect, test } from 'vitest'
import { findMutants } from '../src/find-mutants.ts'
import { showChange } from '../src/mutant.ts'

const changes = (code: string): readonly string[] => findMutants('x.ts', code).map(showChange)

describe('findMutants', () => {
  test.each([
    ['moves and turns comparisons', 'f(a < b)', ['a < b → a <= b', 'a < b → a >= b']],
    ['swaps arithmetic, but adds no texts', 'f(a - b, "x" + c, `y` + d)', ['a - b → a + b']],
    [
      'leaves out each operand of a condition',
      'f(a && b)',
      ['a && b → a || b', 'a → true', 'b → true'],
    ],
    [
      'keeps ?? apart from && and ||',
      'f((a && b) ?? c)',
      ['(a && b) ?? c → (a && b) && c', 'a && b → a || b', 'a → true', 'b → true'],
    ],
    [
      'takes a default for its condition',
      'f(a ?? b ?? c)',
      ['a ?? b ?? c → (a ?? b) && c', 'a ?? b → a && b'],
    ],
    ['decides tests', 'if (a) b()', ['a → true', 'a → false']],
    ['turns values of !', 'f(!a)', ['!a → a']],
    ['turns booleans', 'f(true)', ['true → false']],
    ['empties literals', 'f([1], { a }, [], {})', ['[1] → []', '{ a } → {}']],
    [
      'changes no options of a listener of a signal, which aborts once',
      "signal.addEventListener('abort', end, { once: true })",
      [],
    ],
    ['empties arrows', 'f((x) => g(x))', ['g(x) → undefined']],
    [
      'drops the ? of a chain',
      'f(a?.b?.[0]?.())',
      [
        'a?.b?.[0]?.() → a?.b?.[0]()',
        'a?.b?.[0]?.() → a?.b[0]?.()',
        'a?.b?.[0]?.() → a.b?.[0]?.()',
      ],
    ],
    [
      'exchanges methods',
      'f(a.some(b), Math.min(c, d))',
      ['a.some(b) → a.every(b)', 'Math.min(c, d) → Math.max(c, d)'],
    ],
    ['leaves calls out that pass their receiver on', 'f(a.filter(b))', ['a.filter(b) → a']],
    ['exchanges assignments', 'f(a += 1)', ['a += 1 → a -= 1']],
    ['counts the other way', 'for (;;) f(a++)', ['a++ → a--']],
  ])('%s', (_, code, expected) => {
    expect(changes(code).filter((change) => !change.endsWith('(nothing)'))).toEqual(expected)
  })

  test('leaves statements out, one by one and as a block', () => {
    const code = 'function g() { a(); b = 1 }'
    expect(changes(code)).toEqual(['{ a(); b = 1 } → {}', 'a(); → (nothing)', 'b = 1 → (nothing)'])
  })

  test('does not leave out the same twice', () => {
    expect(changes('function g() { a() }')).toEqual(['a() → (nothing)'])
  })

  test('leaves types, imports, texts and super() alone', () => {
    const code = `import { a } from './a.ts'
type T = { b: true }
class C extends D { constructor() { super('x'); } }`
    expect(changes(code)).toEqual([])
  })

  test('names the place', () => {
    const code = `class Pool {\n  #open(): void {\n    a()\n  }\n  close = (): void => b()\n}`
    expect(
      findMutants('x.ts', code).map(({ line, column, inside }) => [line, column, inside]),
    ).toEqual([
      [3, 5, '#open'],
      [5, 23, 'close'],
    ])
  })

  test('refuses what it cannot read', () => {
    expect(() => findMutants('x.ts', 'const = 1')).toThrow(/x\.ts/)
  })
})
