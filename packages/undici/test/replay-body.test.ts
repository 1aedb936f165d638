import { describe, expect, test } from 'vitest'
import { ReplayBody } from '../src/replay-body.ts'

const source = async function* (log: string[], chunks: readonly string[]): AsyncGenerator<string> {
  try {
    for (const chunk of chunks) {
      log.push(chunk)
      yield chunk
    }
  } finally {
    log.push('end')
  }
}

const all = async (body: ReplayBody): Promise<string> => {
  let text = ''
  for await (const chunk of body.read()) text += String(chunk)
  return text
}

describe('ReplayBody', () => {
  test('gives the whole body to each reader, and reads the source once', async () => {
    const log: string[] = []
    const body = new ReplayBody(source(log, ['ab', 'cd']), 100)
    expect(await all(body)).toBe('abcd')
    expect(body.replayable).toBe(true)
    expect(await all(body)).toBe('abcd')
    expect(log).toEqual(['ab', 'cd', 'end'])
  })

  test('is read only as far as a reader requests', async () => {
    const log: string[] = []
    const body = new ReplayBody(source(log, ['ab', 'cd', 'ef']), 100)
    const reader = body.read()
    expect((await reader.next()).value).toBe('ab')
    expect(log).toEqual(['ab'])
    // a reader that stops does not end the source
    await reader.return()
    expect(await all(body)).toBe('abcdef')
  })

  test('beyond its limit keeps nothing, and continues for the present reader', async () => {
    const body = new ReplayBody(source([], ['ab', 'cd', 'ef']), 3)
    expect(await all(body)).toBe('abcdef')
    expect(body.replayable).toBe(false)
    await expect(all(body)).rejects.toThrow('beyond what is kept')
  })

  test('concurrent readers get the same', async () => {
    const body = new ReplayBody(source([], ['ab', 'cd', 'ef']), 100)
    expect(await Promise.all([all(body), all(body), all(body)])).toEqual(Array(3).fill('abcdef'))
  })

  test('when released drops the kept chunks', async () => {
    const body = new ReplayBody(source([], ['ab', 'cd', 'ef']), 100)
    const reader = body.read()
    await reader.next()
    body.release()
    let rest = ''
    for await (const chunk of reader) rest += String(chunk)
    expect(rest).toBe('cdef')
    expect(body.replayable).toBe(false)
  })

  test('ends the source when no reader is left', async () => {
    const log: string[] = []
    const body = new ReplayBody(source(log, ['ab', 'cd']), 100)
    await body.read().next()
    await body.close()
    expect(log).toEqual(['ab', 'end'])
  })

  test('a source that fails, fails every reader', async () => {
    const body = new ReplayBody(
      (async function* () {
        yield 'ab'
        throw new Error('the source broke')
      })(),
      100,
    )
    await expect(all(body)).rejects.toThrow('the source broke')
    expect(body.replayable).toBe(false)
    expect(body.failure?.error).toBeInstanceOf(Error)
    await expect(all(body)).rejects.toThrow('the source broke')
  })

  test('accepts a plain iterable', async () => {
    expect(await all(new ReplayBody(['ab', 'cd'], 100))).toBe('abcd')
  })
})
