import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'
import type { Baseline, Message, Reply, Request, Task } from './messages.ts'
import { exitCodeOfEndless } from './mutant-switch.ts'

/** How many tests that noticed mutants of a file are tried first. */
const mostKillers = 8

/** Longer than anything on a loaded machine but a process that hangs outside of core's own code. */
const mostMs = 300_000

/** A process with the mutated core in it. */
class MutantProcess {
  readonly #child: ChildProcess
  #onMessage: ((message: Message) => void) | undefined
  #onExit: ((code: number | undefined) => void) | undefined

  constructor(root: string) {
    this.#child = fork(new URL('mutant-process.ts', import.meta.url), {
      execArgv: [
        '--conditions=@sd/source',
        '--disable-warning=ExperimentalWarning',
        '--disable-warning=PromiseRejectionHandledWarning',
      ],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
      env: { ...process.env, NODE_COMPILE_CACHE: join(root, '.cache/mutate/compiled') },
    })
    this.#child.on('message', (message: Message) => this.#onMessage?.(message))
    this.#child.on('exit', (code) => this.#onExit?.(code ?? undefined))
  }

  /** Sends one message and waits for the answer; `undefined` or a code when the process ends instead. */
  ask(
    message: Task | Request,
    limitMs: number,
  ): Promise<Message | { readonly exit: number | undefined }> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), limitMs)
      const settle = (answer: Message | { readonly exit: number | undefined }): void => {
        clearTimeout(timer)
        resolve(answer)
      }
      this.#onMessage = settle
      this.#onExit = (exit) => settle({ exit })
      this.#child.send(message)
    })
  }

  end(): void {
    this.#onExit = undefined
    this.#child.kill('SIGKILL')
  }
}

const start = async (task: Task): Promise<MutantProcess> => {
  const process = new MutantProcess(task.root)
  const answer = await process.ask(task, 2 * mostMs)
  if ('ready' in answer) return process
  process.end()
  throw new Error(
    'broken' in answer ? answer.broken : 'the process that runs mutants ended as it started',
  )
}

/** Runs all tests and seeds without a mutant. Throws when one fails. */
export const measureBaseline = async (task: Task): Promise<Baseline> => {
  const process = new MutantProcess(task.root)
  try {
    const answer = await process.ask(task, 2 * mostMs)
    if ('baseline' in answer) return answer.baseline
    throw new Error(
      'broken' in answer ? answer.broken : 'the process that runs mutants ended as it started',
    )
  } finally {
    process.end()
  }
}

/** Runs one mutant that is on from the first line of the modules on. */
const runWhileLoading = async (task: Task, request: Request): Promise<Reply> => {
  const { number } = request
  let process: MutantProcess
  try {
    process = await start({ ...task, activeWhileLoading: number })
  } catch (error) {
    return { number, killer: 'loading', cause: String(error), spoiled: true }
  }
  const answer = await process.ask(request, mostMs)
  process.end()
  return 'reply' in answer ? answer.reply : endless(number, answer)
}

const endless = (number: number, answer: object): Reply => ({
  number,
  killer: 'endless',
  cause: 'exit' in answer && answer.exit === exitCodeOfEndless ? 'it runs for ever' : 'it hangs',
  spoiled: true,
})

/** Runs mutants in `jobs` processes at a time, and tells of each as it is decided. */
export const runMutants = async (
  task: Task,
  requests: readonly Request[],
  jobs: number,
  decided: (reply: Reply) => void,
): Promise<void> => {
  const loading = new Set(task.baseline?.loading)
  const passedLater = new Set(
    [...(task.baseline?.tests ?? []), ...(task.baseline?.seeds ?? [])].flatMap(
      ({ passed }) => passed,
    ),
  )
  const isOfLoading = ({ number }: Request): boolean =>
    loading.has(number) && !passedLater.has(number)
  // those that need a process of their own at the end
  const queue = requests.toSorted((a, b) => Number(isOfLoading(a)) - Number(isOfLoading(b)))
  const fileOf = ({ number }: Request): string => task.mutants[number]?.file ?? ''
  /** What noticed the last mutants of each file, the latest first: it often notices their neighbours. */
  const killers = new Map<string, readonly string[]>()
  const likelyFirst = (request: Request): Request => {
    const { names } = request
    const likely = (killers.get(fileOf(request)) ?? []).filter((name) => names.includes(name))
    return { ...request, names: [...new Set([...likely, ...names])] }
  }
  const work = async (): Promise<void> => {
    let process: MutantProcess | undefined
    for (;;) {
      const request = queue.shift()
      if (request === undefined) break
      const { number } = request
      if (isOfLoading(request)) {
        decided(await runWhileLoading(task, request))
        continue
      }
      process ??= await start(task)
      const answer = await process.ask(likelyFirst(request), mostMs)
      const reply = 'reply' in answer ? answer.reply : endless(number, answer)
      decided(reply)
      if (!reply.spoiled) {
        const { killer = [] } = reply
        const known = killers.get(fileOf(request)) ?? []
        killers.set(fileOf(request), [...new Set([killer, known].flat())].slice(0, mostKillers))
        continue
      }
      process.end()
      process = undefined
    }
    process?.end()
  }
  await Promise.all(Array.from({ length: jobs }, work))
}
