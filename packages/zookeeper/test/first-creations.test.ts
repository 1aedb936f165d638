import { expect, test } from 'vitest'
import { FirstCreations } from '../src/session/first-creations.ts'

const { signal } = new AbortController()

test('the first creation below a node goes alone, and the others follow together', async () => {
  const creations = new FirstCreations()
  const log: string[] = []
  const first = Promise.withResolvers<void>()
  const others = Promise.withResolvers<void>()
  const run = (name: string, parents: readonly string[], end: Promise<void>) =>
    creations.run(parents, signal, async () => {
      log.push(name)
      await end
    })
  const runs = [
    run('a', ['x', 'y'], first.promise),
    run('b', ['y'], others.promise),
    run('c', ['x'], others.promise),
    run('apart', ['z'], others.promise),
  ]
  await new Promise(setImmediate)
  expect(log).toEqual(['a', 'apart'])
  first.resolve()
  await new Promise(setImmediate)
  expect(log).toEqual(['a', 'apart', 'b', 'c'])
  others.resolve()
  await Promise.all(runs)
})

test('the next one is the first when the first has failed, and waiting ends with the signal', async () => {
  const creations = new FirstCreations()
  const failing = creations.run(['x'], signal, () => Promise.reject(new Error('lost')))
  const next = creations.run(['x'], signal, async () => 'next')
  await expect(failing).rejects.toThrow('lost')
  expect(await next).toBe('next')
  const never = new FirstCreations()
  void never.run(['x'], signal, () => new Promise(() => {}))
  const waiting = new AbortController()
  const stopped = never.run(['x'], waiting.signal, async () => 'never')
  waiting.abort(new Error('enough'))
  await expect(stopped).rejects.toThrow('enough')
})
