import { inspect } from 'node:util'
import { RegistryError } from '@sd/core'
import { expect } from 'vitest'
import { type ContractCase, contractCase } from '../contract-case.ts'
import type { SecureConnection } from '../contract-harness.ts'
import { type ContractRun, idsOf, input } from '../contract-run.ts'
import { eventually } from '../eventually.ts'
import { failureOver } from '../failure-message.ts'

/** Runs `work` over each secure connection in turn; a failure names the connection. */
const overEachSecure = async (
  run: ContractRun,
  work: (connection: SecureConnection, name: string) => Promise<void>,
): Promise<void> => {
  for (const [name, connection] of Object.entries(run.harness.secure ?? {}))
    await work(connection, name).catch((error: unknown) => {
      throw failureOver(`over the secure connection '${name}'`, error)
    })
}

/** S1, S2, S3: the parts that are the same for every backend. */
export const securityCases: readonly ContractCase[] = [
  contractCase('S1 works over every secure connection as over a plain one', ['secure'], (run) =>
    overEachSecure(run, async ({ connect }, name) => {
      const registry = run.open(connect(`${run.namespace}-${name}`))
      const follower = run.follow(registry, 'orders')
      await registry.register(input('orders', 'a'))
      expect(idsOf(await registry.list('orders'))).toEqual(['a'])
      await follower.sees(['a'], run.times.slackMs)
    }),
  ),

  contractCase(
    'S1 connects with TLS, or refuses it before any I/O where the backend has none',
    ['askForTls'],
    async (run) => {
      const ask = (): unknown => run.harness.askForTls?.()
      if (run.capabilities.tls) expect(ask).not.toThrow()
      else expect(ask).toThrow(expect.objectContaining({ code: 'invalid-config' }) as Error)
    },
  ),

  contractCase(
    'S1 continues over a secure connection after the server restarted',
    ['secure'],
    (run) =>
      overEachSecure(run, async ({ connect, server }, name) => {
        const { ttlMs, capMs, slackMs } = run.times
        // longer than a restart on a busy machine
        const registry = run.open(connect(`${run.namespace}-${name}`), { ttlMs: ttlMs * 3 })
        const follower = run.follow(registry, 'orders')
        const registration = await registry.register(input('orders', 'a'))
        await follower.sees(['a'], slackMs)
        await server.stop('kill')
        await server.start()
        await registration.update({ weight: 3 })
        await eventually(
          'the watch continues',
          ttlMs + capMs + slackMs,
          () => follower.view.get('a')?.weight === 3,
        )
        expect(follower.removed, 'how often each instance left meanwhile').toEqual(new Map())
      }),
  ),

  contractCase('S2 shows no credentials in errors, logs and inspections', ['secure'], (run) =>
    overEachSecure(run, async ({ connect, server, secrets }) => {
      const registry = run.open(connect(run.namespace), { callTimeoutMs: 2_000 })
      await registry.list('orders')
      await server.stop('kill')
      const error = await registry.list('orders').then(
        () => undefined,
        (thrown: unknown) => thrown,
      )
      await server.start()
      expect(error).toBeInstanceOf(RegistryError)
      const shown = [
        inspect(error, { depth: 10 }),
        String(error),
        inspect(registry, { depth: 10, showHidden: true }),
        JSON.stringify(registry.health()),
        ...run.logs.map((line) => inspect(line, { depth: 10 })),
      ].join('\n')
      // report the secret's index, not the secret itself
      for (const [place, secret] of secrets.entries())
        expect(shown.includes(secret), `secrets[${place}] is shown`).toBe(false)
    }),
  ),

  contractCase(
    'S3 refuses an invalid configuration before any I/O, naming the field',
    ['invalidConfigs'],
    async (run) => {
      for (const { field, make } of run.harness.invalidConfigs ?? []) {
        const refused = expect.objectContaining({
          code: 'invalid-config',
          message: expect.stringContaining(field) as string,
        }) as Error
        expect(make, field).toThrow(refused)
      }
    },
  ),
]
