import type { Mutant } from './mutant.ts'
import { childrenOf, parse, type SyntaxNode } from './syntax.ts'

/** A mutant and the number by which it is switched on. */
export interface NumberedMutant extends Mutant {
  readonly number: number
}

interface Range {
  readonly start: number
  readonly end: number
  readonly kind: Mutant['kind']
  readonly mutants: readonly NumberedMutant[]
}

/** Statements that may begin with a bracket once an expression in them is replaced. */
const bareStatements = (node: SyntaxNode): readonly SyntaxNode[] => [
  ...(node.type === 'ExpressionStatement' ? [node] : []),
  ...childrenOf(node).flatMap(bareStatements),
]

const toRanges = (mutants: readonly NumberedMutant[], root: SyntaxNode): Range[] => {
  const ranges = new Map<string, Range>()
  const at = (start: number, end: number, kind: Mutant['kind']): string => `${start} ${end} ${kind}`
  for (const { start, end } of bareStatements(root))
    ranges.set(at(start, end, 'statement'), { start, end, kind: 'statement', mutants: [] })
  for (const mutant of mutants) {
    const { start, end, kind } = mutant
    const key = at(start, end, kind)
    ranges.set(key, { start, end, kind, mutants: [...(ranges.get(key)?.mutants ?? []), mutant] })
  }
  // outer ones first; a statement is around the expression of the same extent
  return [...ranges.values()].toSorted(
    (a, b) => a.start - b.start || b.end - a.end || (a.kind === 'statement' ? -1 : 1),
  )
}

/**
 * The code with all its mutants in it, each behind a test whether it is switched on: `isOn(number)`,
 * under the name `switchName`. A statement becomes a block, so that no bracket continues the line before.
 */
export const instrument = (
  file: string,
  code: string,
  mutants: readonly NumberedMutant[],
  switchName: string,
): string => {
  const ranges = toRanges(mutants, parse(file, code))
  let next = 0
  const emit = (start: number, end: number): string => {
    let text = ''
    let at = start
    for (;;) {
      const range = ranges[next]
      if (range === undefined || range.start >= end) break
      next += 1
      text += code.slice(at, range.start) + wrap(range)
      at = range.end
    }
    return text + code.slice(at, end)
  }
  const wrap = ({ start, end, kind, mutants: here }: Range): string => {
    const inner = emit(start, end)
    if (kind === 'expression')
      return `(${here.map((m) => `${switchName}(${m.number})?(${m.replacement}):`).join('')}(${inner}))`
    const off = here.map((m) => `!${switchName}(${m.number})`).join('&&')
    return off === '' ? `{${inner}}` : `{if(${off}){${inner}}}`
  }
  return emit(0, code.length)
}
