import type { Mutant } from './mutant.ts'
import { childrenOf, isNode, parse, type SyntaxNode } from './syntax.ts'

/** What replaces what, by operator. Comparisons move their bound and turn around. */
const operators: Readonly<Record<string, readonly string[]>> = {
  '<': ['<=', '>='],
  '<=': ['<', '>'],
  '>': ['>=', '<='],
  '>=': ['>', '<'],
  '===': ['!=='],
  '!==': ['==='],
  '&&': ['||'],
  '||': ['&&'],
  '??': ['&&'],
  '+': ['-'],
  '-': ['+'],
  '*': ['/'],
  '/': ['*'],
  '%': ['*'],
}
const assignments: Readonly<Record<string, string>> = {
  '+=': '-=',
  '-=': '+=',
  '*=': '/=',
  '/=': '*=',
  '??=': '=',
}
const methods: Readonly<Record<string, string>> = {
  some: 'every',
  every: 'some',
  min: 'max',
  max: 'min',
  floor: 'ceil',
  ceil: 'floor',
  startsWith: 'endsWith',
  endsWith: 'startsWith',
  add: 'delete',
}
/** Calls that give their receiver when they are left out. */
const passThrough = new Set(['filter', 'slice', 'toSorted', 'toReversed', 'trim', 'toLowerCase'])

interface Place {
  readonly parent: SyntaxNode | undefined
  /** Whether the value is only looked at for its truth. */
  readonly isTest: boolean
  readonly inside: string
}

/** Finds every mutant of one file, in order of offset. Texts are not mutated: types check most of them. */
export const findMutants = (file: string, code: string): readonly Mutant[] => {
  const found: Mutant[] = []
  const lineStarts = [0]
  for (let at = code.indexOf('\n'); at >= 0; at = code.indexOf('\n', at + 1))
    lineStarts.push(at + 1)
  const text = ({ start, end }: SyntaxNode): string => code.slice(start, end)

  const add = (
    node: SyntaxNode,
    replacement: string,
    inside: string,
    kind: Mutant['kind'] = 'expression',
  ): void => {
    const { start, end } = node
    const original = text(node)
    if (original === replacement) return
    if (found.some((m) => m.start === start && m.end === end && m.replacement === replacement))
      return
    const line = lineStarts.findLastIndex((lineStart) => lineStart <= start)
    const column = start - (lineStarts[line] ?? 0) + 1
    found.push({ file, start, end, kind, original, replacement, line: line + 1, column, inside })
  }

  /** The text of `node` with `from` in it replaced. */
  const within = (node: SyntaxNode, from: SyntaxNode, replacement: string): string =>
    code.slice(node.start, from.start) + replacement + code.slice(from.end, node.end)

  /** `??` does not mix with `&&` and `||` without parentheses. */
  const operand = (node: SyntaxNode): string =>
    node.type === 'LogicalExpression' ? `(${text(node)})` : text(node)

  const binary = (node: SyntaxNode, { isTest, inside }: Place): void => {
    const operator = String(node['operator'])
    const left = node['left'] as SyntaxNode
    const right = node['right'] as SyntaxNode
    const isText = [left, right].some(
      ({ type, value }) => type === 'TemplateLiteral' || typeof value === 'string',
    )
    if (operator !== '+' || !isText)
      for (const other of operators[operator] ?? [])
        add(node, `${operand(left)} ${other} ${operand(right)}`, inside)
    if (operator !== '&&' && operator !== '||') return
    for (const one of [left, right]) add(one, String(operator === '&&'), inside)
    if (isTest) add(node, String(operator === '||'), inside)
  }

  const call = (node: SyntaxNode, whole: SyntaxNode, inside: string): void => {
    const callee = node['callee'] as SyntaxNode
    if (callee.type !== 'MemberExpression' || callee['computed'] === true) return
    const property = callee['property'] as SyntaxNode
    const name = String(property['name'])
    const other = Object.hasOwn(methods, name) ? methods[name] : undefined
    if (property.type === 'Identifier' && other !== undefined)
      add(whole, within(whole, property, other), inside)
    const receiver = callee['object'] as SyntaxNode
    if (property.type === 'Identifier' && passThrough.has(name))
      add(whole, within(whole, node, text(receiver)), inside)
  }

  const chain = (whole: SyntaxNode, inside: string): void => {
    let node: unknown = whole['expression']
    while (isNode(node)) {
      if (node['optional'] === true) {
        const head = (node['callee'] ?? node['object']) as SyntaxNode
        const mark = code.indexOf('?.', head.end)
        const plain = node.type === 'CallExpression' || node['computed'] === true ? '' : '.'
        add(whole, code.slice(whole.start, mark) + plain + code.slice(mark + 2, whole.end), inside)
      }
      if (node.type === 'CallExpression') call(node, whole, inside)
      node = node['callee'] ?? node['object'] ?? node['expression']
    }
  }

  const isEffect = ({ type, expression }: SyntaxNode): boolean =>
    type === 'ExpressionStatement' &&
    isNode(expression) &&
    !text(expression).startsWith('super(') &&
    expression.type !== 'Literal'

  const block = (node: SyntaxNode, { parent, inside }: Place): void => {
    const body = node['body'] as readonly SyntaxNode[]
    const [only] = body
    if (only === undefined || (body.length === 1 && isEffect(only))) return
    if (body.some((statement) => text(statement).startsWith('super('))) return
    if (parent?.type === 'TryStatement' && parent['block'] !== node) return // its catch, its finally
    add(node, '{}', inside, 'statement')
  }

  const visit = (node: SyntaxNode, place: Place, whole?: SyntaxNode): void => {
    const { inside, isTest } = place
    switch (node.type) {
      case 'BinaryExpression':
      case 'LogicalExpression':
        binary(node, place)
        break
      case 'AssignmentExpression': {
        const other = assignments[String(node['operator'])]
        const [left, right] = [node['left'] as SyntaxNode, node['right'] as SyntaxNode]
        if (other !== undefined) add(node, `${text(left)} ${other} ${text(right)}`, inside)
        break
      }
      case 'UpdateExpression':
        add(
          node,
          text(node).replace(/\+\+|--/, (sign) => (sign === '++' ? '--' : '++')),
          inside,
        )
        break
      case 'UnaryExpression': {
        const argument = text(node['argument'] as SyntaxNode)
        if (node['operator'] === '!' && !isTest) add(node, argument, inside)
        if (node['operator'] === '-') add(node, `+${argument}`, inside)
        break
      }
      case 'Literal':
        if (typeof node['value'] === 'boolean') add(node, String(!node['value']), inside)
        break
      case 'ArrayExpression':
        if ((node['elements'] as readonly unknown[]).length > 0) add(node, '[]', inside)
        break
      case 'ObjectExpression':
        if ((node['properties'] as readonly unknown[]).length > 0) add(node, '{}', inside)
        break
      case 'ArrowFunctionExpression': {
        const body = node['body'] as SyntaxNode
        if (body.type !== 'BlockStatement' && !['Literal', 'UnaryExpression'].includes(body.type))
          add(body, 'undefined', inside)
        break
      }
      case 'ChainExpression':
        chain(node, inside)
        break
      case 'CallExpression':
        if (whole === undefined) call(node, node, inside)
        break
      case 'BlockStatement':
        block(node, place)
        break
      case 'ExpressionStatement':
        if (isEffect(node)) add(node, '', inside, 'statement')
        break
      default:
    }
    if (isTest && !['Literal', 'LogicalExpression', 'ParenthesizedExpression'].includes(node.type))
      for (const value of ['true', 'false']) add(node, value, inside)

    const inChain = node.type === 'ChainExpression' ? node : whole
    for (const child of childrenOf(node)) {
      if (isOnceOfAbort(node, text(child))) continue
      const isSpine =
        child === node['callee'] || child === node['object'] || child === node['expression']
      visit(
        child,
        {
          parent: node,
          isTest: isTested(node, child, isTest),
          inside: nameOf(node, child) ?? inside,
        },
        isSpine ? inChain : undefined,
      )
    }
  }
  visit(parse(file, code), { parent: undefined, isTest: false, inside: '' })
  return found.toSorted((a, b) => a.start - b.start || b.end - a.end)
}

/** A signal aborts once, so that nothing can tell whether its listener is called once only. */
const isOnceOfAbort = (node: SyntaxNode, child: string): boolean => {
  if (node.type !== 'CallExpression' || child !== '{ once: true }') return false
  const [event] = node['arguments'] as readonly SyntaxNode[]
  return event?.['value'] === 'abort'
}

const isTested = (node: SyntaxNode, child: SyntaxNode, isTest: boolean): boolean => {
  switch (node.type) {
    case 'IfStatement':
    case 'ConditionalExpression':
    case 'WhileStatement':
    case 'DoWhileStatement':
    case 'ForStatement':
      return child === node['test']
    case 'ParenthesizedExpression':
      return isTest
    default:
      return false
  }
}

/** The name that `node` gives to the function `child` in it. */
const nameOf = (node: SyntaxNode, child: SyntaxNode): string | undefined => {
  const name =
    node.type === 'VariableDeclarator'
      ? node['id']
      : node.type === 'ClassDeclaration'
        ? node['id']
        : node['key']
  if (!isNode(name) || child === name) return undefined
  if (node.type === 'ClassDeclaration') return String(name['name'])
  const isFunction = ['ArrowFunctionExpression', 'FunctionExpression'].includes(child.type)
  if (
    !isFunction ||
    !['VariableDeclarator', 'MethodDefinition', 'PropertyDefinition'].includes(node.type)
  )
    return undefined
  return `${name.type === 'PrivateIdentifier' ? '#' : ''}${typeof name['name'] === 'string' ? name['name'] : '[…]'}`
}
