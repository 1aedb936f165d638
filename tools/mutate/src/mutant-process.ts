/** A process that loads core with all its mutants, and runs tests and seeds with one of them on. */
import { flushCompileCache, registerHooks } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { collectTests } from './collect-tests.ts'
import { instrument, type NumberedMutant } from './instrument.ts'
import type { Message, Request, Task } from './messages.ts'
import { MutantRunner, type Simulation } from './mutant-runner.ts'
import { MutantSwitch } from './mutant-switch.ts'

const send = (message: Message): void => void process.send?.(message)

const instrumentSources = ({ root, sources, mutants }: Task): void => {
  const byFile = Map.groupBy(
    mutants.map((mutant, number): NumberedMutant => ({ ...mutant, number })),
    ({ file }) => file,
  )
  const texts = new Map(
    sources.map(({ file, code }) => [join(root, file), { file, code }] as const),
  )
  registerHooks({
    load: (url, context, next) => {
      const found = url.startsWith('file:') ? texts.get(fileURLToPath(url)) : undefined
      if (found === undefined) return next(url, context)
      const code = instrument(found.file, found.code, byFile.get(found.file) ?? [], '$isOn')
      const source = `const $isOn=globalThis.$mutants.isOn;${code}`
      return { format: 'module-typescript', source, shortCircuit: true }
    },
  })
}

const prepare = async (task: Task): Promise<void> => {
  const mutants = new MutantSwitch(task.mutants.length)
  Object.assign(globalThis, { $mutants: mutants })
  mutants.active = task.activeWhileLoading ?? -1
  instrumentSources(task)
  const toUrl = (file: string): string => pathToFileURL(join(task.root, file)).href
  const tests = await collectTests(task.testFiles, toUrl)
  const folder = 'packages/core/test/simulation'
  const simulation = {
    ...((await import(toUrl(`${folder}/schedule/draw-schedule.ts`))) as Pick<
      Simulation,
      'drawSchedule'
    >),
    ...((await import(toUrl(`${folder}/world/simulate.ts`))) as Pick<Simulation, 'simulate'>),
  }
  const loading = mutants.takePassed()
  const runner = new MutantRunner(task, mutants, tests, simulation)
  if (task.baseline === undefined) send({ baseline: { loading, ...(await runner.measureAll()) } })
  process.on('message', (request: Request) => {
    void runner.run(request).then((reply) => send({ reply }))
  })
  // it is killed at its end, and loads in half of the time when the next one finds the compiled code
  flushCompileCache()
  send({ ready: true })
}

// a mutant may keep it busy for ever
process.once('disconnect', () => process.exit())
process.once('message', (task: Task) => {
  prepare(task).catch((error: unknown) => {
    send({ broken: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  })
})
