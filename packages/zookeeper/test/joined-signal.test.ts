import { expect, test } from 'vitest'
import { JoinedSignal } from '../src/observe/joined-signal.ts'

test('aborts with the first of its sources, also with one that has aborted before', () => {
  const [one, other] = [new AbortController(), new AbortController()]
  using joined = new JoinedSignal([one.signal, other.signal])
  expect(joined.signal.aborted).toBe(false)
  other.abort('the other')
  one.abort('the one')
  expect(joined.signal.reason).toBe('the other')
  using late = new JoinedSignal([new AbortController().signal, one.signal])
  expect(late.signal.reason).toBe('the one')
})

test('leaves its sources when it is disposed', () => {
  const source = new AbortController()
  const joined = new JoinedSignal([source.signal])
  joined[Symbol.dispose]()
  source.abort()
  expect(joined.signal.aborted).toBe(false)
})
