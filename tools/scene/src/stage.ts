import { styleText } from 'node:util'
import type { InstanceChange, Watcher, WatchEvent } from '@sd/registry'

type Style = Parameters<typeof styleText>[0]

const clearLine = '\u001B[2K'
const up = (lines: number): string => `\u001B[${lines}A`

/**
 * The scene's output: on a terminal a table that follows the watcher, under a line that describes
 * the current step; in a pipe one plain line for each event.
 */
export class Stage {
  readonly #out: NodeJS.WriteStream
  readonly #live: boolean
  readonly #beganMs = performance.now()
  readonly #marks = new Map<string, string>()
  #watcher: Watcher | undefined
  #drawn = 0
  #headline = ''

  constructor(out: NodeJS.WriteStream) {
    this.#out = out
    this.#live = out.isTTY
  }

  get live(): boolean {
    return this.#live
  }

  /** Starts the next step. */
  say(text: string): void {
    this.#headline = text
    this.#marks.clear()
    if (this.#live) {
      this.#erase()
      this.#write(`\n${this.#time()} ${this.#paint('bold', text)}\n`)
      this.draw()
    } else this.#write(`\n${this.#time()} ${text}\n`)
  }

  /** Prints text without a table under it. */
  close(lines: readonly string[]): void {
    this.#write(`\n${lines.join('\n')}\n`)
  }

  /** Draws the table of that watcher from now on, with each of its events. */
  async follow(watcher: Watcher): Promise<void> {
    this.#watcher = watcher
    // held instances are released without an event
    const ticking = this.#live ? setInterval(() => this.draw(), 200) : undefined
    for await (const event of watcher) this.#show(event)
    clearInterval(ticking)
  }

  draw(): void {
    if (!this.#live || this.#watcher === undefined) return
    this.#erase()
    const rows = this.#rows(this.#watcher)
    this.#write(rows.map((row) => `${clearLine}${row}\n`).join(''))
    this.#drawn = rows.length
  }

  #show(event: WatchEvent<InstanceChange>): void {
    if (event.type === 'stale')
      this.#tell(
        'stale',
        `the registry is unreachable: ${event.cause.code}; the last known state stays`,
      )
    else {
      if (event.type === 'sync' && this.#headline !== '' && event.changes.length === 0)
        this.#tell('fresh', 'confirmed against the registry')
      for (const change of event.changes) this.#change(change)
    }
    this.draw()
  }

  #change(change: InstanceChange): void {
    const { id, weight, endpoints } = change.instance
    this.#marks.set(id, change.type)
    if (change.type === 'updated')
      this.#tell('updated', `${id}  weight ${change.previous.weight} → ${weight}`)
    else this.#tell(change.type, `${id}  ${endpoints.join(' ')}  weight ${weight}`)
  }

  #tell(what: string, text: string): void {
    if (!this.#live) this.#write(`${this.#time()}   ${what.padEnd(8)} ${text}\n`)
  }

  #rows(watcher: Watcher): readonly string[] {
    const held = new Set(watcher.held)
    const head = 'INSTANCE      ENDPOINT                 WEIGHT  ZONE   '
    const rows = watcher.instances
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .map((instance) => {
        const mark = held.has(instance.id) ? 'held' : this.#marks.get(instance.id)
        const line = `${instance.id.padEnd(13)} ${(instance.endpoints[0] ?? '').padEnd(24)} ${String(instance.weight).padStart(6)}  ${(instance.zone ?? '').padEnd(6)}`
        return `  ${mark === undefined ? line : this.#paint(styles[mark] ?? 'reset', `${line} ${mark}`)}`
      })
    const state =
      watcher.stale === undefined
        ? this.#paint('green', `${watcher.size} instances, fresh`)
        : this.#paint('yellow', `${watcher.size} instances, STALE (${watcher.stale.cause.code})`)
    return [`  ${this.#paint('dim', head)}`, ...rows, `  ${state}`]
  }

  #erase(): void {
    if (this.#drawn === 0) return
    this.#write(up(this.#drawn) + `${clearLine}\n`.repeat(this.#drawn) + up(this.#drawn))
    this.#drawn = 0
  }

  #time(): string {
    return `${((performance.now() - this.#beganMs) / 1_000).toFixed(1).padStart(5)}s`
  }

  #paint(style: Style, text: string): string {
    return this.#live ? styleText(style, text, { stream: this.#out }) : text
  }

  #write(text: string): void {
    this.#out.write(text)
  }
}

const styles: Readonly<Record<string, Style>> = {
  added: 'green',
  updated: 'cyan',
  held: 'yellow',
}
