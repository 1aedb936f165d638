import { expect } from 'vitest'
import { codeOf, soon } from '../answers.ts'
import { type ContractCase, contractCase } from '../contract-case.ts'
import { eventually, pass } from '../eventually.ts'
import { ids } from '../instances.ts'
import { orders, ref } from '../requests.ts'
import { asked, putOne, stand, standing } from './asked.ts'

/** T10, T11: what an audit reports, and what an edit compares. */
export const auditCases: readonly ContractCase[] = [
  contractCase(
    'T10 reports by audit which records are ours, missing or replaced, in order',
    [],
    async (run) => {
      const [session, later, rival] = [
        await run.session(),
        await run.session(),
        await run.session(),
      ]
      const wanted = ['ours', 'missing', 'replaced', 'moved', 'never']
      await session.put(
        wanted.slice(0, 4).map((id) => asked(id, 'a', 1)),
        soon(),
      )
      await later.remove([ref('missing')], soon())
      await rival.put([asked('replaced', 'b', 2)], soon())
      await later.put([asked('moved', 'a', 1)], soon())
      const audits = await session.audit(
        wanted.map((id) => ref(id)),
        soon(),
      )
      expect(audits.map(({ id, state }) => `${id} ${state}`)).toEqual([
        'ours ours',
        'missing missing',
        'replaced replaced',
        'moved replaced',
        'never missing',
      ])
      expect(audits[2]?.record?.claim?.owner).toBe('b')
      expect(session.lost.aborted).toBe(false)
    },
  ),

  contractCase(
    'T10 reports by audit a record that was deleted, and one that was overwritten without its session',
    ['deleteRecord', 'writeRaw'],
    async (run) => {
      const { harness, namespace } = run
      const session = await run.session()
      const kept = ['kept', 'kept-too']
      const put = ['deleted', 'overwritten', ...kept].map((id) => asked(id, 'a', 1))
      // a backend without sessions takes the loss of most records for the loss of the session
      await session.put(put, soon())
      await harness.deleteRecord?.(namespace, 'orders', 'deleted')
      const nonsense = new TextEncoder().encode('{nonsense')
      await harness.writeRaw?.(namespace, 'orders', 'overwritten', nonsense)
      const audits = await session.audit([ref('deleted'), ref('overwritten')], soon())
      expect(audits[0]?.state).toBe('missing')
      // an unreadable record of no session may count as missing
      expect(['missing', 'replaced']).toContain(audits[1]?.state)
      expect(await putOne(session, asked('deleted', 'a', 1))).toBe('written')
      expect(await putOne(session, asked('overwritten', 'a', 1))).toBe('written')
      const healed = await session.audit([ref('deleted'), ref('overwritten')], soon())
      expect(healed.map(({ state }) => state)).toEqual(['ours', 'ours'])
    },
  ),

  contractCase(
    'T10 reports a write without an answer as ours, or as one to write again',
    [],
    async (run) => {
      const session = await run.session()
      const reader = run.driver()
      for (const [round, id] of ids('unknown', 8).entries()) {
        const giveUp = new AbortController()
        const writing = session.put([asked(id, 'a', 1)], giveUp.signal).catch(() => {})
        if (round > 0) await pass(round - 1)
        giveUp.abort(new Error('the caller gives up'))
        await writing
        // the write may land between the read and the audit
        let seen = ''
        await eventually(
          'the audit agrees with the stored records',
          run.times.slackMs,
          async () => {
            const there = (await standing(reader, id)) !== undefined
            const [audit] = await session.audit([ref(id)], soon())
            seen = `${id} ${there ? 'is stored' : 'is not stored'} and its audit is ${audit?.state}`
            return audit?.state === 'missing' || (there && audit?.state === 'ours')
          },
          () => seen,
        )
        expect(await putOne(session, asked(id, 'a', 1, { weight: 3, seq: 1 }))).toBe('written')
        expect(await session.audit([ref(id)], soon())).toMatchObject([{ state: 'ours' }])
      }
    },
  ),

  contractCase(
    'T10 removes records that a restored backup ties to the session, if the session had removed them',
    ['backUp'],
    async (run) => {
      const { ttlMs, slackMs } = run.times
      const session = await run.session(run.driver(), ttlMs * 4)
      const reader = run.driver()
      await session.put([asked('kept', 'a', 1), asked('gone', 'a', 1)], soon())
      const backup = await run.harness.backUp?.()
      // making the backup may have ended connections
      let outcome = ''
      await eventually(
        'it is removed',
        slackMs * 2,
        async () => {
          outcome = await codeOf(session.remove([ref('gone')], soon(1_000)))
          return outcome === 'none'
        },
        () => outcome,
      )
      await stand(run, reader, ['kept'])
      await backup?.restore()
      // a driver without the method has no session that survives the restore
      if (session.removeStrays === undefined) {
        await eventually('the server answers', slackMs * 2, async () => {
          return (await codeOf(reader.list(orders, soon(1_000)))) === 'none'
        })
        expect(await codeOf(session.renew(soon()))).not.toBe('none')
        return
      }
      // a ZooKeeper server refuses a client that has seen later transactions, until its session ends
      const judgedMs = session.grantedTtlMs + slackMs * 2
      const code = await eventually('the session is judged', judgedMs, async () => {
        const answer = await codeOf(session.renew(soon(1_000)))
        return ['none', 'session-lost'].includes(answer) && answer
      })
      if (code === 'none') {
        expect((await session.removeStrays(soon())).length).toBeLessThanOrEqual(1)
        await stand(run, reader, ['kept'])
        // what it holds stays
        expect(await session.removeStrays(soon())).toEqual([])
        expect(await session.audit([ref('kept')], soon())).toMatchObject([{ state: 'ours' }])
      }
    },
  ),

  contractCase(
    'T11 edits a record only if it is unchanged since it was read, and leaves it to its session, or has no edit',
    [],
    async (run) => {
      const session = await run.session()
      const other = run.driver()
      await session.put([asked('1', 'a', 1)], soon())
      const record = await standing(other, '1')
      if (record === undefined) throw new Error('the record is not listed')
      if (other.edit === undefined) {
        const editing = run.registry().edit('orders', '1', { weight: 0 })
        await expect(editing).rejects.toMatchObject({ code: 'unsupported' })
        return
      }
      const drained = { ...record.instance, weight: 0 }
      expect(await other.edit(record, drained, soon())).toBe('edited')
      // the record has changed since it was read
      expect(await other.edit(record, { ...drained, weight: 9 }, soon())).toBe('changed')
      expect(await session.audit([ref('1')], soon())).toMatchObject([
        { state: 'edited', record: { instance: { weight: 0 }, claim: { owner: 'a', seq: 1 } } },
      ])
      await session.close(soon())
      expect(await standing(other, '1')).toBeUndefined()
      expect(await other.edit(record, drained, soon())).toBe('absent')
      expect(await standing(other, '1')).toBeUndefined()
    },
  ),
]
