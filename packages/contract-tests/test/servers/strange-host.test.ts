import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, expect, test } from 'vitest'
import { StrangeHost } from '../../src/servers/strange-host.ts'
import { eventually } from '../../src/eventually.ts'

const dial = async ({ endpoint }: StrangeHost): Promise<Socket & Disposable> => {
  const socket = connect(Number(endpoint.split(':')[1]), '127.0.0.1')
  await once(socket, 'connect')
  return Object.assign(socket, { [Symbol.dispose]: () => void socket.destroy() })
}

describe('StrangeHost', () => {
  test('counts connections, and is silent, ends them, or answers with bytes', async () => {
    await using silent = await StrangeHost.that('silent')
    using quiet = await dial(silent)
    quiet.write('hello')
    await using closes = await StrangeHost.that('closes')
    using ended = await dial(closes)
    ended.resume()
    await once(ended, 'end')
    await using answers = await StrangeHost.that(new Uint8Array([1, 2]))
    using answered = await dial(answers)
    answered.write('hello')
    expect([...(await once(answered, 'data'))[0]]).toEqual([1, 2])
    await eventually('all connections are counted', 2_000, () => silent.accepted === 1)
    expect(quiet.bytesRead).toBe(0)
    expect([closes.accepted, answers.accepted]).toEqual([1, 1])
  })

  test('refuses', async () => {
    await using refuses = await StrangeHost.that('refuses')
    await expect(dial(refuses)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(refuses.accepted).toBe(0)
  })
})
