import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { drawSvg, type Panel } from './terminal-picture/draw-svg.ts'
import { Screen } from './terminal-picture/screen.ts'

// Draws docs/sd-register-and-watch.svg from two real runs of sd, each on its own pseudo-terminal
// (util-linux's script), that share the embedded default.

const size = { columns: 80, rows: 6 }
const deadlineMs = 10_000
const sd = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url))
const picture = fileURLToPath(new URL('../docs/sd-register-and-watch.svg', import.meta.url))

const server = `require('node:http')
  .createServer((request, response) => response.end('orders\\n'))
  .listen(8080, '127.0.0.1', () => console.log('listening on 8080'))
`

/** A command in a terminal, and its output so far. */
class Terminal implements AsyncDisposable {
  readonly #command: string
  readonly #child: ChildProcess
  #output = ''

  constructor(command: string, folder: string) {
    this.#command = command
    const real = command.replace(/^sd /, `'${process.execPath}' --conditions=@sd/source '${sd}' `)
    const inside = `stty cols ${size.columns} rows ${size.rows}; exec ${real}`
    const { SD_URL: _, NO_COLOR: __, ...env } = process.env
    this.#child = spawn('/usr/bin/script', ['-qfec', inside, '/dev/null'], {
      cwd: folder,
      env: { ...env, TERM: 'xterm-256color', XDG_STATE_HOME: folder },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()))
  }

  async writes(pattern: RegExp): Promise<void> {
    const endMs = performance.now() + deadlineMs
    while (!pattern.test(this.#output)) {
      if (performance.now() > endMs) throw new Error(`no ${pattern} in:\n${this.#output}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  panel(title: string): Panel {
    const screen = new Screen()
    screen.write(`\u001B[2m$\u001B[22m \u001B[1m${this.#command}\u001B[22m\n\r${this.#output}`)
    return { title, rows: screen.rows }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.stdin?.write('\u0003')
    await ended
  }
}

const folder = await mkdtemp(join(tmpdir(), 'sd-picture-'))
try {
  await writeFile(join(folder, 'server.js'), server)
  await using watching = new Terminal('sd watch orders', folder)
  await watching.writes(/fresh/)
  await using registering = new Terminal(
    'sd register orders --id a --endpoint http://127.0.0.1:8080 -- node server.js',
    folder,
  )
  await Promise.all([registering.writes(/sd: \S+ registered/), watching.writes(/added/)])
  const panels = [registering.panel('one terminal'), watching.panel('another')]
  await writeFile(picture, drawSvg(panels, size))
} finally {
  await rm(folder, { recursive: true, force: true })
}
