import { parseSync } from 'oxc-parser'

/** A node of the syntax tree (ESTree with TypeScript), as far as mutation looks at it. */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

export const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value

/** What is left of TypeScript's nodes when its types are erased. */
const expressionsOfTypes = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
])

/** The nodes directly below, without types and imports. */
export const childrenOf = (node: SyntaxNode): readonly SyntaxNode[] => {
  if (node.type === 'ImportDeclaration') return []
  if (expressionsOfTypes.has(node.type)) return [node['expression'] as SyntaxNode]
  if (node.type.startsWith('TS')) return []
  return Object.values(node)
    .flat()
    .filter((value) => isNode(value))
}

/** Throws `SyntaxError` when `code` cannot be parsed. */
export const parse = (file: string, code: string): SyntaxNode => {
  const { program, errors } = parseSync(file, code)
  const [first] = errors
  if (first !== undefined) throw new SyntaxError(`${file}: ${first.message}`)
  return program as unknown as SyntaxNode
}
