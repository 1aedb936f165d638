import { expect, test } from 'vitest'
import type { OpenSession } from '../../src/session/open-session.ts'
import { nextSessionState, type SessionState } from '../../src/session/session-state.ts'
import { failure } from '../scripted-backend.ts'

const cause = failure('unavailable')
const session = { id: 's' } as unknown as OpenSession
const events = [
  { type: 'wanted' },
  { type: 'opened', session },
  { type: 'failed', untilMs: 1, cause },
  { type: 'lost', untilMs: 1, cause },
  { type: 'unneeded' },
  { type: 'closed' },
] as const

test.each<[SessionState, readonly SessionState['name'][]]>([
  [{ name: 'idle' }, ['opening', 'idle', 'idle', 'idle', 'idle', 'closed']],
  [{ name: 'opening' }, ['opening', 'live', 'waiting', 'opening', 'idle', 'closed']],
  [
    { name: 'waiting', untilMs: 1, cause },
    ['opening', 'live', 'waiting', 'waiting', 'idle', 'closed'],
  ],
  [{ name: 'live', session }, ['live', 'live', 'live', 'waiting', 'live', 'closed']],
  [{ name: 'closed' }, ['closed', 'closed', 'closed', 'closed', 'closed', 'closed']],
])('a session that is %j goes on as it must with each event', (state, next) => {
  expect(events.map((event) => nextSessionState(state, event).name)).toEqual(next)
})

test('a session that waits keeps its time and cause, and its cause as it is opened', () => {
  const waiting: SessionState = { name: 'waiting', untilMs: 1, cause }
  const later = { type: 'failed', untilMs: 2, cause: failure('timeout') } as const
  expect(nextSessionState(waiting, later)).toBe(waiting)
  expect(nextSessionState(waiting, { type: 'wanted' })).toEqual({ name: 'opening', cause })
})
