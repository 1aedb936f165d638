import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { eventually } from '../eventually.ts'
import type { LaunchedServer, StopSignal } from './server.ts'
import { argumentsOf, environmentOf, filesOf, type MemberOptions } from './site.ts'
import { whenReady } from './when-ready.ts'

const termDeadlineMs = 10_000
const killDeadlineMs = 30_000

/** Whether every thread of a process is stopped; true where the system does not report it. */
async function standsStill(pid: number): Promise<boolean> {
  const tasks = `/proc/${pid}/task`
  const threads = await readdir(tasks).catch(() => [])
  const stopped = await Promise.all(
    threads.map(async (thread) => {
      const stat = await readFile(join(tasks, thread, 'stat'), 'latin1').catch(() => '')
      return stat === '' || /\) [TtXZ] /.test(stat)
    }),
  )
  return stopped.every(Boolean)
}

/** Children that still run. A worker that exits ends them, including frozen ones. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

// A worker that is killed runs no exit handler. On Linux the kernel then ends the child.
const setpriv = '/usr/bin/setpriv'
const dieWithParent = existsSync(setpriv) ? [setpriv, '--pdeathsig', 'KILL', '--'] : []

/** A server as a child process of this one. */
export class ProcessServer implements LaunchedServer {
  readonly #options: MemberOptions
  readonly endpoints: Readonly<Record<string, string>>
  #child: ChildProcess | undefined

  constructor(options: MemberOptions) {
    this.#options = options
    const { spec, member } = options
    this.endpoints = Object.fromEntries(
      Object.keys(spec.ports).map((port) => [port, member.fromHost(port)]),
    )
  }

  get name(): string {
    return this.#options.member.name
  }

  get version(): string {
    return this.#options.member.version
  }

  get dataDir(): string {
    return this.#options.member.dataDir
  }

  get #log(): string {
    return join(this.#options.member.confDir, 'server.log')
  }

  async start(): Promise<void> {
    await this.launch()
    await this.ready()
  }

  async launch(): Promise<void> {
    if (this.#child) throw new Error(`${this.name} runs already`)
    await this.#writeFiles()
    await this.#spawn()
  }

  async ready(): Promise<void> {
    const { spec } = this.#options
    const { name, endpoints } = this
    const isGone = () => this.#child === undefined
    await whenReady({ name, spec, endpoints, isGone, logs: () => this.logs() })
  }

  async #writeFiles(): Promise<void> {
    const { member } = this.#options
    // etcd requires a data directory that only its owner can read.
    await mkdir(member.dataDir, { recursive: true, mode: 0o700 })
    await mkdir(member.confDir, { recursive: true })
    for (const [path, text] of filesOf(this.#options)) {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, text)
    }
  }

  async #spawn(): Promise<void> {
    const { spec } = this.#options
    const command = spec.process?.command ?? []
    const [file = '', ...args] = [...dieWithParent, ...command, ...argumentsOf(this.#options)]
    // A file instead of a pipe: a test that blocks its event loop must not block the server's log.
    const log = await open(this.#log, 'a')
    try {
      const env = { ...process.env, ...environmentOf(this.#options) }
      const child = spawn(file, args, { env, stdio: ['ignore', log.fd, log.fd] })
      this.#child = child
      running.add(child)
      const gone = () => {
        running.delete(child)
        if (this.#child === child) this.#child = undefined
      }
      child.once('exit', gone)
      child.once('error', (error) => {
        if (child.pid === undefined) gone() // it was never started
        else process.emitWarning(error)
      })
    } finally {
      await log.close()
    }
  }

  async stop(signal: StopSignal = 'term'): Promise<void> {
    const child = this.#child
    if (!child) return
    child.kill('SIGCONT')
    child.kill(signal === 'term' ? 'SIGTERM' : 'SIGKILL')
    const isGone = () => this.#child !== child
    await eventually(`${this.name} ended`, termDeadlineMs, isGone).catch(async () => {
      child.kill('SIGKILL')
      await eventually(`${this.name} ended when killed`, killDeadlineMs, isGone)
    })
  }

  async restart(signal: StopSignal = 'term'): Promise<void> {
    await this.stop(signal)
    await this.start()
  }

  async wipe(): Promise<void> {
    if (this.#child) throw new Error(`${this.name} runs; stop it before its data is wiped`)
    await rm(this.#options.member.dataDir, { recursive: true, force: true })
  }

  async pause(): Promise<void> {
    const child = this.#child
    if (!child?.kill('SIGSTOP')) throw new Error(`${this.name} does not run`)
    // the signal reaches each thread separately: on a busy machine one may still answer a call
    await eventually(`${this.name} is frozen`, killDeadlineMs, () => standsStill(child.pid ?? 0))
  }

  async resume(): Promise<void> {
    this.#child?.kill('SIGCONT')
  }

  async logs(): Promise<string> {
    return readFile(this.#log, 'utf8').catch(() => '')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('kill')
  }
}
