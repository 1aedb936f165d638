import { describe, expect, it } from 'vitest'
import { checkTimeline } from '../src/checker/check-timeline.ts'
import type { ViolationKind } from '../src/checker/violation.ts'
import type { EventOf } from '../src/timeline/timeline-event.ts'
import { HandMade, seen, settings, watcher } from './hand-made-timeline.ts'

const kindsIn = (made: HandMade, more: Partial<typeof settings> = {}): readonly string[] => [
  ...new Set(checkTimeline(made.events, { ...settings, ...more }).map(({ kind }) => kind)),
]

/** One owner that holds `orders/x` from the first second on, and a watcher that was told so. */
const held = (): HandMade => new HandMade().registered(1_000, 1).added(1_050, 1, 'x', 'sync')

/** Four instances of `owner-1`, all of which the watcher knows. */
const fleet = (): HandMade => {
  const made = new HandMade()
  for (const [index, id] of ['x', 'y', 'z', 'w'].entries())
    made.registered(1_000 + index, index + 1, { id })
  return made.told(
    1_050,
    ['x', 'y', 'z', 'w'].map((id, index) => ({ type: 'added', ...seen(index + 1, id) })),
    'sync',
  )
}

const rival = { process: 'owner-2' } as const

const used = (atMs: number, more: Partial<EventOf<'used'>>): EventOf<'used'> => ({
  type: 'used',
  process: 'owner-1',
  atMs,
  overMs: 1_000,
  cpuMs: 20,
  calls: { renew: 2 },
  ...more,
})

describe('right timelines', () => {
  const right: Readonly<Record<string, HandMade>> = {
    'an owner comes and goes': held()
      .listed(2_000, [seen(1)])
      .deregistered(3_000, 1)
      .listed(3_100, [])
      .removed(3_050, 1),
    'a killed owner leaves after its ttl': held()
      .killed(5_000)
      .listed(8_000, [seen(1)])
      .listed(13_000, [])
      .removed(8_400, 1),
    'a blink after an outage longer than half a ttl': held()
      .fault(5_000, 9_000, 'freeze', ['a'])
      .removed(9_100, 1)
      .added(9_900, 1),
    'a blink of an owner that was frozen for long': held()
      .add(5_000, { type: 'process-paused', process: 'owner-1' })
      .add(9_000, { type: 'process-resumed', process: 'owner-1' })
      .listed(8_600, [])
      .removed(8_500, 1)
      .added(9_200, 1),
    'a blink of an owner whose session expired': held()
      .fault(5_000, 5_010, 'expire-session', ['a', 'b'], 'owner-1')
      .removed(5_100, 1)
      .added(5_200, 1),
    'two of four are told after a wipe': fleet()
      .fault(5_000, 6_000, 'wipe')
      .removed(6_100, 1, 'x')
      .removed(6_200, 2, 'y'),
    'what was deregistered returns for a ttl with a restored backup': held()
      .deregistered(3_000, 1)
      .removed(3_050, 1)
      .fault(5_000, 6_000, 'restore')
      .listed(8_000, [seen(1)])
      .listed(20_000, []),
    'the later takeover wins': held()
      .registered(5_000, 2, rival)
      .told(5_050, [{ type: 'updated', ...seen(2), previous: seen(1) }])
      .add(6_000, { type: 'status', process: 'owner-1', handle: 1, state: 'superseded' })
      .listed(7_000, [seen(2)]),
    'a process registers its own id again': held()
      .registering(5_000, 2)
      .add(5_001, { type: 'status', process: 'owner-1', handle: 1, state: 'superseded' })
      .listed(5_500, [seen(1)])
      .ended(6_000, 2)
      .listed(6_100, [seen(2)]),
    'a holder returns after a takeover was given back': held()
      .registered(15_000, 2, rival)
      .deregistered(15_500, 2, 'owner-2')
      .listed(15_600, [])
      .listed(17_600, [seen(1)]),
    'a process that has only started leaves late': held()
      .add(5_000, { type: 'process-leaving', process: 'watcher-1' })
      .add(11_900, { type: 'process-closing', process: 'watcher-1' })
      .add(12_000, { type: 'process-ended', process: 'watcher-1', how: 'exit 0', stderr: '' }),
    'a quiet time with everything in its place': held().quiet(5_000, 5_500, [seen(1)]),
    'the last update stands': held()
      .add(2_000, { type: 'updating', process: 'owner-1', handle: 1, weight: 7 })
      .add(2_100, {
        type: 'update-ended',
        process: 'owner-1',
        handle: 1,
        weight: 7,
        ending: 'resolved',
      })
      .quiet(5_000, 5_500, [seen(1, 'x', 7)]),
  }
  for (const [title, made] of Object.entries(right))
    it(`holds: ${title}`, () => {
      expect(checkTimeline(made.events, settings)).toEqual([])
    })
})

describe('violations', () => {
  const wrong: readonly (readonly [ViolationKind, string, HandMade])[] = [
    ['lost', 'a registration is not listed when all is quiet', held().quiet(5_000, 25_000, [])],
    [
      'lost',
      'an update is not listed when all is quiet',
      held()
        .add(2_000, { type: 'updating', process: 'owner-1', handle: 1, weight: 7 })
        .add(2_100, {
          type: 'update-ended',
          process: 'owner-1',
          handle: 1,
          weight: 7,
          ending: 'resolved',
        })
        .quiet(5_000, 25_000, [seen(1)]),
    ],
    ['lost', 'the list still fails when all is quiet', held().quiet(5_000, 25_000, undefined)],
    ['missing', 'a list lacks what stands', held().listed(5_000, [])],
    [
      'missing',
      'a holder does not return after a takeover was given back',
      held().registered(15_000, 2, rival).deregistered(15_500, 2, 'owner-2').listed(24_000, []),
    ],
    [
      'missing',
      'a list lacks what stands, in an outage that is too short for it',
      held().fault(4_000, 5_200, 'freeze').listed(5_300, []),
    ],
    [
      'ghost',
      'a list shows what was removed',
      held()
        .deregistered(3_000, 1)
        .listed(3_100, [seen(1)]),
    ],
    [
      'ghost',
      'a list shows what a killed owner had, after its ttl and the slack',
      held()
        .killed(5_000)
        .listed(12_000, [seen(1)]),
    ],
    [
      'ghost',
      'a list shows what a process had that has closed its registry',
      held()
        .add(5_000, { type: 'process-leaving', process: 'owner-1' })
        .add(5_200, { type: 'process-ended', process: 'owner-1', how: 'exit 0', stderr: '' })
        .listed(5_300, [seen(1)]),
    ],
    [
      'ghost',
      'a watcher is told of what was removed before',
      held().deregistered(3_000, 1).removed(3_050, 1).added(9_000, 1),
    ],
    [
      'ghost',
      'a restored backup keeps what was deregistered for longer than a ttl',
      held()
        .deregistered(3_000, 1)
        .removed(3_050, 1)
        .fault(5_000, 6_000, 'restore')
        .listed(20_000, [seen(1)]),
    ],
    [
      'ghost',
      'the loser of a takeover is listed again',
      held()
        .registered(5_000, 2, rival)
        .add(6_000, { type: 'status', process: 'owner-1', handle: 1, state: 'superseded' })
        .listed(7_000, [seen(1)]),
    ],
    [
      'ghost',
      'what its own process has replaced is listed again',
      held()
        .registered(5_000, 2)
        .listed(6_000, [seen(1)]),
    ],
    [
      'ghost',
      'a view keeps what is not wanted',
      held()
        .deregistered(3_000, 1)
        .quiet(5_000, 25_000, [], { view: [seen(1)] }),
    ],
    ['blink', 'a removal without any fault', held().removed(5_000, 1)],
    [
      'blink',
      'a removal after an outage of less than half a ttl',
      held().fault(14_000, 15_200, 'freeze').removed(15_300, 1).added(15_400, 1),
    ],
    [
      'blink',
      'a removal after a restart with its data of less than a ttl',
      held().fault(14_000, 16_500, 'kill-server').removed(16_600, 1),
    ],
    [
      'blink',
      'a removal over a slow link',
      held().fault(14_000, 19_000, 'slow').removed(18_000, 1),
    ],
    [
      'blink',
      'a removal although only the watcher was cut off',
      held().fault(14_000, 19_000, 'partition', ['b']).removed(19_100, 1),
    ],
    [
      'blink',
      'three of four are told after a wipe',
      fleet()
        .fault(5_000, 6_000, 'wipe')
        .removed(6_100, 1, 'x')
        .removed(6_200, 2, 'y')
        .removed(6_300, 3, 'z'),
    ],
    [
      'wrong-winner',
      'the later takeover loses',
      held().registering(5_000, 2, rival).ended(5_100, 2, 'conflict', 'owner-2'),
    ],
    [
      'wrong-winner',
      'an id is lost that nobody else asked for',
      held().add(6_000, { type: 'status', process: 'owner-1', handle: 1, state: 'superseded' }),
    ],
    [
      'wrong-winner',
      'reject wins against a live holder',
      held().registered(5_000, 2, { ...rival, onConflict: 'reject' }),
    ],
    [
      'wrong-winner',
      'reject is refused where nobody holds the id',
      new HandMade().registering(5_000, 2, { onConflict: 'reject' }).ended(5_100, 2, 'conflict'),
    ],
    [
      'wrong-winner',
      'two owners hold an id when all is quiet',
      held()
        .registered(5_000, 2, rival)
        .quiet(9_000, 29_000, [seen(2)]),
    ],
    ['inconsistent-events', 'an instance is added twice', held().added(2_000, 1)],
    [
      'inconsistent-events',
      'what was never told is removed',
      held().deregistered(3_000, 1).removed(3_050, 1).removed(3_100, 1),
    ],
    [
      'inconsistent-events',
      'an update from what was never told',
      held().told(2_000, [{ type: 'updated', ...seen(1), previous: seen(1, 'x', 50) }]),
    ],
    [
      'inconsistent-events',
      'the first event is a change',
      new HandMade().registered(1_000, 1).added(1_050, 1),
    ],
    ['inconsistent-events', 'a change without changes', held().told(2_000, [])],
    [
      'stale-view',
      'a view is stale when all is quiet',
      held().quiet(5_000, 25_000, [seen(1)], { stale: 'the server was silent' }),
    ],
    [
      'stale-view',
      'a view holds removals when all is quiet',
      held().quiet(5_000, 25_000, [seen(1)], { held: 2 }),
    ],
    [
      'stale-view',
      'a view of names lacks a service',
      held().quiet(5_000, 25_000, [seen(1)], { scope: 'services', view: [] }),
    ],
    [
      'pending-call',
      'register has not ended when all is quiet',
      new HandMade().registering(1_000, 1).quiet(5_000, 25_000, [seen(1)]),
    ],
    [
      'pending-call',
      'deregister has not ended when all is quiet',
      held()
        .add(2_000, { type: 'deregistering', process: 'owner-1', handle: 1 })
        .quiet(5_000, 25_000, []),
    ],
    [
      'wrong-failure',
      'a takeover fails for good',
      new HandMade().registering(1_000, 1).ended(2_000, 1, 'internal'),
    ],
    [
      'wrong-failure',
      'a watch ends by itself',
      held().add(2_000, { type: 'watch-ended', process: 'watcher-1', watcher, cause: 'internal' }),
    ],
    [
      'process-ended',
      'a process ends by itself',
      held().add(2_000, {
        type: 'process-ended',
        process: 'watcher-1',
        how: 'exit 70',
        stderr: '',
      }),
    ],
    [
      'slow-close',
      'closing takes longer than its timeout and the slack',
      held()
        .add(5_000, { type: 'process-leaving', process: 'watcher-1' })
        .add(5_100, { type: 'process-closing', process: 'watcher-1' })
        .add(12_000, { type: 'process-ended', process: 'watcher-1', how: 'exit 0', stderr: '' }),
    ],
  ]
  for (const [kind, title, made] of wrong)
    it(`${kind}: ${title}`, () => {
      expect(kindsIn(made)).toContain(kind)
    })

  it('busy-loop: calls without a pause', () => {
    const made = held()
    for (let second = 2; second < 8; second += 1)
      made.events.push(used(second * 1_000, { calls: { openSession: 700 } }))
    expect(kindsIn(made)).toEqual(['busy-loop'])
  })

  it('busy-loop: a processor in use for seconds', () => {
    const made = held()
    for (let second = 2; second < 8; second += 1)
      made.events.push(used(second * 1_000, { cpuMs: 990 }))
    expect(kindsIn(made)).toEqual(['busy-loop'])
  })

  it('names the guarantee, the id and the time', () => {
    const [violation] = checkTimeline(held().removed(5_000, 1).events, settings)
    expect(violation).toMatchObject({ guarantee: 'R4', key: 'orders/x', atMs: 5_000, watcher })
  })
})

describe('differences between backends', () => {
  it('excuses a late write only where nothing fences it', () => {
    const late = (): HandMade =>
      held()
        .add(4_000, { type: 'deregistering', process: 'owner-1', handle: 1 })
        .fault(3_900, 4_500, 'stall', ['a'])
        .add(4_600, { type: 'deregister-ended', process: 'owner-1', handle: 1, ending: 'resolved' })
        .listed(5_000, [seen(1)])
    expect(kindsIn(late())).toEqual(['ghost'])
    expect(kindsIn(late(), { lateWriteMs: 4_000 })).toEqual([])
  })

  it('lets a backend that cleans up by itself keep for longer what a backup brings back', () => {
    const restored = (untilMs: number): HandMade =>
      held()
        .deregistered(3_000, 1)
        .removed(3_050, 1)
        .fault(5_000, 6_000, 'restore')
        .listed(untilMs, [seen(1)])
    expect(kindsIn(restored(60_000))).toEqual(['ghost'])
    expect(kindsIn(restored(60_000), { restoredMs: 100_000 })).toEqual([])
    expect(kindsIn(restored(120_000), { restoredMs: 100_000 })).toEqual(['ghost'])
  })

  it('bounds a restart by what the backend promises', () => {
    const restarted = (): HandMade => held().fault(14_000, 16_500, 'kill-server').removed(16_600, 1)
    expect(kindsIn(restarted())).toEqual(['blink'])
    expect(kindsIn(restarted(), { restartLimitMs: 2_250 })).toEqual([])
  })
})
