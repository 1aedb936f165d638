import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { etcd, type ProvidedServers, provideServers, until } from '@sd/test-servers'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const command = [process.execPath, '--conditions=@sd/source', main] as const

/** Added to every bound for loaded machines. */
export const slackMs = 10_000

/** How long a process may take to end after it is asked to. */
const endMs = 30_000

const running = new Set<SdProcess>()
process.once('exit', () => {
  for (const one of running) one.killAll()
})

/** How a process ended, and its output. */
export interface Ended {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** A run with its wall time and its CPU time. */
export interface Timed extends Ended {
  readonly wallMs: number
  readonly cpuMs: number
}

/** One run of `sd`. */
export class SdProcess implements AsyncDisposable {
  readonly child: ChildProcess
  readonly #closed: Promise<Ended>
  stdout = ''
  stderr = ''

  constructor(file: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    // a folder without settings above it, and a process group that can be killed as a whole
    this.child = spawn(file, args, { env, cwd: tmpdir(), stdio: 'pipe', detached: true })
    running.add(this)
    this.child.stdout?.on('data', (chunk: Buffer) => (this.stdout += chunk.toString()))
    this.child.stderr?.on('data', (chunk: Buffer) => (this.stderr += chunk.toString()))
    this.#closed = new Promise((resolve) => {
      this.child.once('close', (code, signal) => {
        running.delete(this)
        resolve({ code, signal, stdout: this.stdout, stderr: this.stderr })
      })
    })
  }

  /** Also kills its children, which would keep its streams open. */
  killAll(): void {
    const { pid } = this.child
    if (pid === undefined) return
    try {
      process.kill(-pid, 'SIGKILL')
    } catch {
      // all processes of the group have ended
    }
  }

  /** Resolves when it has ended; rejects with its output when that takes too long. */
  get ended(): Promise<Ended> {
    const tooLong = Promise.withResolvers<never>()
    const timer = setTimeout(
      () => tooLong.reject(new Error(`still running:\n${this.stdout}\n${this.stderr}`)),
      endMs,
    )
    return Promise.race([this.#closed, tooLong.promise]).finally(() => clearTimeout(timer))
  }

  /** Resolves when the output of either stream matches. */
  async writes(pattern: RegExp, deadlineMs: number = slackMs): Promise<void> {
    const both = (): string => `${this.stdout}\n${this.stderr}`
    await until(`${pattern} is written`, () => pattern.test(both()), deadlineMs).catch(() => {
      throw new Error(`${pattern} not within ${deadlineMs} ms in:\n${both()}`)
    })
  }

  /** The address that `sd gateway` listens on. */
  async origin(): Promise<string> {
    const listening = /listening on (https?:\/\/127\.0\.0\.1:\d+)/
    await this.writes(listening)
    return listening.exec(this.stderr)?.[1] ?? ''
  }

  /** The lines of stdout so far, each parsed as JSON. */
  json(): readonly Record<string, unknown>[] {
    const lines = this.stdout.split('\n').filter((line) => line !== '')
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.killAll()
    await this.#closed
  }
}

/** A registry that `sd` finds in its environment. */
export class SdWorld implements AsyncDisposable {
  /** Its URL, for commands with two registries and for the test itself. */
  readonly url: string
  readonly #env: NodeJS.ProcessEnv
  readonly #close: () => Promise<void>
  readonly #started: SdProcess[] = []

  constructor(url: string, env: NodeJS.ProcessEnv, close: () => Promise<void> = async () => {}) {
    this.url = url
    this.#env = env
    this.#close = close
  }

  /** Starts `sd` with its streams as pipes. */
  start(...args: readonly string[]): SdProcess {
    return this.#keep(new SdProcess(command[0], [...command.slice(1), ...args], this.#env))
  }

  /** Runs `sd` to its end. */
  run(...args: readonly string[]): Promise<Ended> {
    return this.start(...args).ended
  }

  /** Runs `sd` to its end, and measures it. */
  async runTimed(...args: readonly string[]): Promise<Timed> {
    const timing = ['-c', 'TIMEFORMAT="%3R %3U %3S"; time "$@"', 'bash']
    const timed = new SdProcess('bash', [...timing, ...command, ...args], this.#env)
    const ended = await this.#keep(timed).ended
    const [wall = 0, user = 0, system = 0] = (ended.stderr.trim().split('\n').at(-1) ?? '')
      .split(' ')
      .map((seconds) => Number(seconds) * 1_000)
    return { ...ended, wallMs: Math.round(wall), cpuMs: Math.round(user + system) }
  }

  /** Runs `sd` to its end with its output in a file. */
  runInto(file: string, ...args: readonly string[]): Promise<Ended> {
    const redirected = ['-c', `exec "$@" >'${file}'`, 'bash', ...command, ...args]
    return this.#keep(new SdProcess('bash', redirected, this.#env)).ended
  }

  /** Starts `sd` on a pseudo-terminal of that size; its output is stdout, its input is stdin. */
  startOnTerminal(size: { columns: number; rows: number }, ...args: readonly string[]): SdProcess {
    const words = [...command, ...args].map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
    const inside = `stty cols ${size.columns} rows ${size.rows}; exec ${words.join(' ')}`
    const env = { ...this.#env, TERM: 'xterm-256color' }
    return this.#keep(new SdProcess('script', ['-qfec', inside, '/dev/null'], env))
  }

  #keep(started: SdProcess): SdProcess {
    this.#started.push(started)
    return started
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#started.map((started) => started[Symbol.asyncDispose]()))
    await this.#close()
  }
}

/** The environment without variables that select the registry or, in `getColorDepth`, colours. */
const plainEnv = (): NodeJS.ProcessEnv =>
  Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(SD_URL|XDG_STATE_HOME|NODE_OPTIONS|NO_COLOR|FORCE_COLOR|NODE_DISABLE_COLORS|COLORTERM|CI|TMUX)$/.test(
          name,
        ),
    ),
  )

/** A kind of registry; `open` returns an empty one. */
export interface Backend {
  readonly name: string
  readonly ttlMs: number
  /** The time that the backend may add to a ttl. */
  readonly graceMs: number
  open(env?: NodeJS.ProcessEnv): Promise<SdWorld>
  close(): Promise<void>
}

/** The default of `sd` without any setting: here in its own folder. */
export const embeddedDefault = (): Backend => ({
  name: 'the embedded default',
  ttlMs: 10_000,
  graceMs: 1_000,
  open: async (extra = {}) => {
    const folder = await mkdtemp(join(tmpdir(), 'sd-cli-'))
    const env = { ...plainEnv(), ...extra, HOME: folder, XDG_STATE_HOME: folder }
    // its place on Linux
    return new SdWorld(`sqlite://${folder}/sd/registry.db`, env, () =>
      rm(folder, { recursive: true, force: true }),
    )
  },
  close: async () => {},
})

/** An etcd server, with a namespace for each world. */
export const realEtcd = (): Backend => {
  let worlds = 0
  let servers: Promise<ProvidedServers> | undefined
  const ttlMs = 5_000
  return {
    name: 'etcd',
    ttlMs,
    graceMs: 1_000,
    open: async (extra = {}) => {
      servers ??= provideServers(etcd)
      const { endpoints } = await servers
      const namespace = `cli-${process.pid}-${worlds++}`
      const url = `etcd://${endpoints.join(',')}/${namespace}?ttl=${ttlMs}ms`
      return new SdWorld(url, { ...plainEnv(), ...extra, SD_URL: url })
    },
    close: async () => (await servers)?.[Symbol.asyncDispose](),
  }
}
