import { expect, it } from 'vitest'
import { checkTimeline } from '../src/checker/check-timeline.ts'
import { showViolation } from '../src/report/show-violation.ts'
import { HandMade, seen, settings } from './hand-made-timeline.ts'

it('shows the faults, calls, lists and events of the id, in the order of their times', () => {
  const { events } = new HandMade()
    .registered(21_000, 1)
    .registered(21_000, 2, { id: 'y', process: 'owner-2' })
    .told(
      21_100,
      [
        { type: 'added', ...seen(1) },
        { type: 'added', ...seen(2, 'y') },
      ],
      'sync',
    )
    .listed(22_000, [seen(1), seen(2, 'y')])
    .listed(22_700, [seen(1), seen(2, 'y')])
    .fault(31_000, 31_400, 'freeze')
    .removed(32_500, 1)
  const [violation] = checkTimeline(events, settings)
  if (violation === undefined) throw new Error('there is a violation')
  expect(showViolation(violation, events, 'npm run chaos -- --seed 1')).toBe(
    `VIOLATION blink (R4) at 00:32.500
  watcher-1/orders was told that orders/x left, while owner-1 held orders/x (handle 1, since 00:21.000); the owner's longest outage around it was 0.4 s, and up to 1.5 s may not be seen
  repeat: npm run chaos -- --seed 1
  | 00:20.990  owner-1 calls register orders/x as handle 1 weight 1 (takeover, registered)
  | 00:21.000  owner-1: register of handle 1: resolved
  | 00:21.100    watcher-1/orders is told sync: added orders/x as handle 1 weight 1; 1 other changes
  | 00:22.000    reader lists orders: resolved, 2 instances, orders/x: handle 1 weight 1
  | 00:31.000  FAULT 1 freeze begins on the server
  | 00:31.400  FAULT 1 is over
  | 00:32.500    watcher-1/orders is told change: removed orders/x as handle 1 weight 1
`,
  )
})
