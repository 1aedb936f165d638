import {
  createDriverContext,
  type DriverEvent,
  type DriverSession,
  type RegistryDriver,
} from '@sd/core/driver'
import { RegistryError } from '@sd/core'
import { expect } from 'vitest'
import { codeOf, soon } from '../answers.ts'
import { type ContractCase, contractCase } from '../contract-case.ts'
import { eventually, pass, within } from '../eventually.ts'
import { orders, ref } from '../requests.ts'
import { asked } from './asked.ts'
import { ObservedView } from './observed-view.ts'
import { textOf } from './text-of.ts'

/** Every call of core to a driver and a session, by name. */
const callsOf = (
  driver: RegistryDriver,
  session: DriverSession,
): Readonly<Record<string, (signal: AbortSignal) => Promise<unknown>>> => ({
  openSession: (signal) => driver.openSession({ ttlMs: session.grantedTtlMs }, signal),
  list: (signal) => driver.list(orders, signal),
  observe: (signal) => driver.observe(orders, undefined, signal)[Symbol.asyncIterator]().next(),
  probe: (signal) => driver.probe(signal),
  renew: (signal) => session.renew(signal),
  put: async (signal) => {
    const [outcome] = await session.put([asked('2', 'a', 1)], signal)
    if (outcome?.result === 'error') throw outcome.error
  },
  remove: async (signal) => {
    const [outcome] = await session.remove([ref('1')], signal)
    // a failure of one instance may be returned as its outcome
    if (outcome?.result === 'error') throw outcome.error
  },
  audit: (signal) => session.audit([ref('1')], signal),
  close: (signal) => session.close(signal),
})

/** The calls that a locked or frozen server cannot answer; reads may still work. */
const writing = ['openSession', 'put', 'remove']

/** T17, T18, T19, T24, T25: how calls and observations fail and end. */
export const failureCases: readonly ContractCase[] = [
  contractCase(
    'T17 rejects at once with the reason of a signal that has already aborted, and writes nothing',
    [],
    async (run) => {
      const driver = run.driver()
      const session = await run.session(driver)
      await session.put([asked('1', 'a', 1)], soon())
      const reason = new Error('stop')
      for (const [name, call] of Object.entries(callsOf(driver, session))) {
        const aborted = within(run.times.slackMs, name, call(AbortSignal.abort(reason)))
        await expect(aborted, name).rejects.toBe(reason)
      }
      const { records } = await driver.list(orders, soon())
      expect(records.map(({ instance }) => instance.id)).toEqual(['1'])
    },
  ),

  contractCase(
    'T17 rejects at once with the reason of a signal that aborts while the server is frozen',
    ['server'],
    async (run) => {
      const driver = run.driver()
      const session = await run.session(driver)
      await session.put([asked('1', 'a', 1)], soon())
      const watch = new ObservedView(driver)
      await watch.sees(['1'], run.times.slackMs)
      const reason = new Error('stop')
      await run.harness.server?.pause()
      try {
        const controller = new AbortController()
        // a close may end other calls of its session
        const { close: _, ...calls } = callsOf(driver, session)
        const pending = Object.entries(calls).map(async ([name, call]) => {
          const outcome = await call(controller.signal).then(
            () => 'answered',
            (error: unknown) => error,
          )
          return { name, outcome, atMs: performance.now() }
        })
        // the calls are under way by then
        await pass(100)
        const abortedMs = performance.now()
        controller.abort(reason)
        for (const { name, outcome, atMs } of await within(
          run.times.slackMs,
          'every call settles',
          Promise.all(pending),
        )) {
          if (writing.includes(name) || outcome !== 'answered') expect(outcome, name).toBe(reason)
          expect(atMs - abortedMs, name).toBeLessThan(500)
        }
        await within(500, 'the observation ends', watch.stop())
        expect(await codeOf(session.close(soon(100)))).not.toBe('none')
      } finally {
        await run.harness.server?.resume()
      }
    },
  ),

  contractCase(
    'T18 throws only RegistryError, and a retryable one while the server is down',
    ['server'],
    async (run) => {
      const driver = run.driver()
      const session = await run.session(driver)
      await session.put([asked('1', 'a', 1)], soon())
      await run.harness.server?.stop('kill')
      try {
        for (const [name, call] of Object.entries(callsOf(driver, session))) {
          const signal = soon(run.times.slackMs)
          const error: unknown = await call(signal).then(
            () => 'the call resolved',
            (thrown: unknown) => thrown,
          )
          // a call that is still retrying when its signal aborts rejects with the reason
          if (signal.aborted && error === signal.reason) continue
          expect(error, name).toBeInstanceOf(RegistryError)
          expect(error, name).toMatchObject({ backend: driver.backend, retryable: true })
          expect(['unavailable', 'timeout', 'session-lost'], name).toContain(
            (error as RegistryError).code,
          )
        }
      } finally {
        await run.harness.server?.start()
      }
    },
  ),

  contractCase(
    'T19 ends an observation by throwing when its server is gone, and observes again when it is back',
    ['server'],
    async (run) => {
      const { capMs, slackMs } = run.times
      const driver = run.driver()
      const session = await run.session(run.driver())
      await session.put([asked('1', 'a', 1)], soon())
      const scopes = [orders, { services: true }, { all: true }] as const
      const views = scopes.map((scope) => new ObservedView(driver, { scope }))
      for (const view of views)
        await view.until(
          'the observation began',
          slackMs,
          ({ observations }) => observations.length > 0,
        )
      await run.harness.server?.stop('kill')
      try {
        for (const view of views) {
          const error = await view.fails(slackMs)
          expect(error).toBeInstanceOf(RegistryError)
          expect(error).toMatchObject({ retryable: true })
        }
      } finally {
        await run.harness.server?.start()
      }
      await eventually('a new observation succeeds', capMs + slackMs * 2, async () => {
        const view = new ObservedView(driver)
        const code = await codeOf(
          view.until(
            'the observation begins',
            slackMs,
            ({ observations }) => observations.length > 0,
          ),
        )
        await view.stop()
        return code === 'none'
      })
    },
  ),

  contractCase(
    'T24 ends every pending call with closed when it is disposed of, and rejects later calls with closed',
    [],
    async (run) => {
      const { slackMs } = run.times
      const driver = run.driver()
      const session = await run.session(driver)
      await session.put([asked('1', 'a', 1)], soon())
      const watch = new ObservedView(driver)
      await watch.sees(['1'], slackMs)
      const frozen = run.harness.server
      await frozen?.pause()
      try {
        const calls = [
          () => driver.openSession({ ttlMs: session.grantedTtlMs }, soon()),
          () => driver.probe(soon()),
          () => session.put([asked('2', 'a', 1)], soon()),
        ]
        const pending = frozen === undefined ? [] : calls.map((call) => codeOf(call()))
        await within(
          slackMs,
          'the driver is disposed of',
          Promise.resolve(driver[Symbol.asyncDispose]()),
        )
        expect(await within(slackMs, 'every pending call ends', Promise.all(pending))).toEqual(
          pending.map(() => 'closed'),
        )
        expect(await watch.fails(slackMs)).toMatchObject({ code: 'closed' })
        for (const [name, call] of Object.entries(callsOf(driver, session)))
          expect(await codeOf(within(slackMs, name, call(soon()))), name).toBe('closed')
      } finally {
        await frozen?.resume()
      }
    },
  ),

  contractCase('T25 does no I/O before its first call', ['connectionCount'], async (run) => {
    const count = (): number => run.harness.connectionCount?.() ?? 0
    let before = count()
    // drivers of earlier cases may still connect
    await eventually('no client connects any more', run.times.slackMs * 3, async () => {
      before = count()
      await pass(300)
      return count() === before
    })
    const idle = run.driver()
    // long enough for an immediate connection to arrive
    await pass(300)
    expect(count()).toBe(before)
    await idle.list(orders, soon())
    expect(count()).toBeGreaterThan(before)
  }),

  contractCase(
    'T26 shows refused credentials neither in an error nor in its causes',
    ['secure'],
    async (run) => {
      const secure = Object.entries(run.harness.secure ?? {})
      const refusing = secure.filter(([, { refused }]) => refused !== undefined)
      expect(refusing.length, 'connections with refused credentials').toBeGreaterThan(0)
      for (const [name, { connect: accepted, refused, secrets }] of refusing) {
        if (refused === undefined) continue
        const owner = await run.session(run.keep(accepted(run.namespace)(createDriverContext())))
        await owner.put([asked('1', 'b', 2)], soon())
        const told: unknown[] = []
        const report = (event: DriverEvent): void => void told.push(event)
        const connect = run.keep(
          refused.connect(run.namespace)({ ...createDriverContext(), report }),
        )
        const calls = {
          list: () => connect.list(orders, soon()),
          observe: () => connect.observe(orders, undefined, soon())[Symbol.asyncIterator]().next(),
          probe: () => connect.probe(soon()),
          write: async () => {
            const session = await connect.openSession({ ttlMs: run.times.ttlMs }, soon())
            const [outcome] = await session.put([asked('1', 'a', 1)], soon())
            if (outcome?.result === 'error') throw outcome.error
            return outcome
          },
        }
        const codes: string[] = []
        for (const call of Object.values(calls)) {
          const error: unknown = await call().then(
            () => undefined,
            (thrown: unknown) => thrown,
          )
          told.push(error)
          codes.push(error instanceof RegistryError ? error.code : String(error))
        }
        expect(codes, name).toContain('permission-denied')
        const shown = told.map(textOf).join('\n')
        for (const secret of [...secrets, ...refused.secrets])
          expect(shown.includes(secret), `${name} shows ${secret.slice(0, 3)}…`).toBe(false)
      }
    },
  ),
]
