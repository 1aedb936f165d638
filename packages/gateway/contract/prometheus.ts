import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fetchDebianPackages, repositoryRoot, runCommand, until } from '@sd/test-servers'

/** The programs of Debian's package `prometheus`. */
export interface PrometheusPrograms {
  readonly prometheus: string
  readonly promtool: string
}

/** Those on PATH, else from Debian's packages, which are fetched once; a text says why there are none. */
export const findPrometheus = async (): Promise<PrometheusPrograms | string> => {
  const [prometheus, promtool] = ['prometheus', 'promtool'] as const
  try {
    for (const program of [prometheus, promtool]) await runCommand(program, ['--version'])
    return { prometheus, promtool }
  } catch {
    // not installed
  }
  try {
    const root = await fetchDebianPackages({
      name: 'prometheus',
      suite: 'bookworm',
      packages: ['prometheus'],
      cache: join(repositoryRoot, '.cache', 'servers'),
    })
    const [fetched, tool] = [prometheus, promtool].map((name) => join(root, 'usr/bin', name))
    await runCommand(tool as string, ['--version'])
    return { prometheus: fetched as string, promtool: tool as string }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** A sample of a query's result. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

/** A Prometheus that scrapes one target on this machine, with rules. */
export class Prometheus implements AsyncDisposable {
  readonly #url: string
  readonly #folder: string
  readonly #child: ChildProcess
  #output = ''

  private constructor(url: string, folder: string, child: ChildProcess) {
    this.#url = url
    this.#folder = folder
    this.#child = child
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text))
  }

  /** `target`: the port whose `/metrics` is scraped. `rules`: the path of a file of rules. */
  static async start(program: string, target: number, rules: string): Promise<Prometheus> {
    const folder = await mkdtemp(join(tmpdir(), 'sd-prometheus-'))
    const config = {
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '1s' },
      rule_files: [rules],
      scrape_configs: [
        { job_name: 'gateway', static_configs: [{ targets: [`127.0.0.1:${target}`] }] },
      ],
    }
    // JSON is YAML
    await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config))
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    const child = spawn(program, [
      `--config.file=${folder}/prometheus.yml`,
      `--storage.tsdb.path=${folder}/data`,
      `--web.listen-address=127.0.0.1:${port}`,
    ])
    const prometheus = new Prometheus(`http://127.0.0.1:${port}`, folder, child)
    try {
      await prometheus.#ready()
    } catch (error) {
      await prometheus[Symbol.asyncDispose]()
      throw new Error(`Prometheus does not start: ${prometheus.#output}`, { cause: error })
    }
    return prometheus
  }

  /** Asks its HTTP API. Fails with Prometheus's own message. */
  async ask<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}`)
    const answer = (await response.json()) as { status: string; error?: string; data: T }
    if (answer.status !== 'success') throw new Error(`${path}: ${answer.error}`)
    return answer.data
  }

  async query(expression: string): Promise<readonly Sample[]> {
    const { result } = await this.ask<{ readonly result: readonly Sample[] }>(
      `query?query=${encodeURIComponent(expression)}`,
    )
    return result
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      this.#child.kill('SIGKILL')
      await once(this.#child, 'exit')
    }
    await rm(this.#folder, { recursive: true, force: true })
  }

  #ready(): Promise<void> {
    return until('Prometheus answers', async () => {
      const response = await fetch(`${this.#url}/-/ready`)
      return response.ok
    })
  }
}
