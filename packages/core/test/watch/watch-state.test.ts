import { expect, test } from 'vitest'
import { nextWatchState, type WatchState } from '../../src/watch/watch-state.ts'
import { failure } from '../scripted-backend.ts'

const cause = failure('unavailable')
const events = [
  { type: 'observed' },
  { type: 'failed', cause },
  { type: 'retry' },
  { type: 'closed' },
] as const

test.each<[WatchState, readonly WatchState['name'][]]>([
  [{ name: 'attaching' }, ['live', 'waiting', 'attaching', 'closed']],
  [{ name: 'live' }, ['live', 'waiting', 'live', 'closed']],
  [{ name: 'waiting', cause }, ['waiting', 'waiting', 'attaching', 'closed']],
  [{ name: 'closed' }, ['closed', 'closed', 'closed', 'closed']],
])('a watch that is %j goes on as it must with each event', (state, next) => {
  expect(events.map((event) => nextWatchState(state, event).name)).toEqual(next)
})
