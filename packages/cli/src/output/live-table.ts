import type { InstanceChange, ServiceInstance, WatchEvent } from '@sd/registry'
import type { Watched } from '../filtered-watch.ts'
import { changeText, type RecordOf, type WatchDisplay } from './change-lines.ts'
import { counted } from './counted.ts'
import { showAge } from './duration.ts'
import { byName, instanceCells, instanceColumns } from './instance-output.ts'
import type { Output, Style } from './output.ts'
import { printable } from './printable.ts'
import { cutToWidth, tableLinesWithin } from './table.ts'

/** How long a change stays marked, and a removed instance stays visible. */
const markMs = 3_000
const drawEveryMs = 100
const tickMs = 500
/** How many of the latest changes a tall terminal can show. */
const keptChanges = 100

interface Mark {
  readonly text: InstanceChange['type'] | 'held'
  readonly sinceMs: number
  /** A removed instance that is still shown. */
  readonly gone?: ServiceInstance
}

const styles: Readonly<Record<Mark['text'], Style>> = {
  added: 'green',
  updated: 'cyan',
  removed: 'red',
  held: 'yellow',
}

const keyOf = ({ service, id }: { readonly service: string; readonly id: string }): string =>
  JSON.stringify([service, id])

/** The source of the table. */
export interface LiveTableOptions {
  readonly output: Output
  readonly watcher: Watched
  readonly recordOf: RecordOf
  /** `undefined` for all services, which adds a column. */
  readonly service: string | undefined
}

/** For a terminal: a table that is redrawn in place, with changes in colour. */
export class LiveTable implements WatchDisplay {
  readonly #options: LiveTableOptions
  readonly #marks = new Map<string, Mark>()
  /** The latest changes, as lines. */
  readonly #log: { readonly type: InstanceChange['type']; readonly text: string }[] = []
  readonly #openedMs = Date.now()
  readonly #ticking: NodeJS.Timeout
  #waiting: NodeJS.Timeout | undefined
  #drawnMs = 0
  #drawnLines = 0
  #synced = false

  constructor(options: LiveTableOptions) {
    this.#options = options
    this.#ticking = setInterval(() => this.#drawSoon(), tickMs)
    options.output.stdout.on('resize', this.#drawSoon)
  }

  async show(event: WatchEvent<InstanceChange>): Promise<void> {
    if (event.type !== 'stale') {
      const sinceMs = Date.now()
      // the initial instances are not changes
      if (this.#synced)
        for (const change of event.changes) {
          const { type, instance } = change
          this.#marks.set(keyOf(instance), {
            text: type,
            sinceMs,
            ...(type === 'removed' ? { gone: instance } : {}),
          })
          this.#note(change)
        }
      if (event.type === 'sync') this.#synced = true
    }
    this.#drawSoon()
  }

  #note(change: InstanceChange): void {
    const time = new Date().toTimeString().slice(0, 8)
    this.#log.push({ type: change.type, text: printable(`${time} ${changeText(change)}`) })
    if (this.#log.length > keptChanges) this.#log.shift()
  }

  [Symbol.dispose](): void {
    clearInterval(this.#ticking)
    clearTimeout(this.#waiting)
    this.#options.output.stdout.removeListener('resize', this.#drawSoon)
    this.#draw()
  }

  /** Draws at once, or after the minimum interval, so that a burst is drawn once. */
  readonly #drawSoon = (): void => {
    this.#waiting ??= setTimeout(
      () => {
        this.#waiting = undefined
        this.#draw()
      },
      Math.max(0, this.#drawnMs + drawEveryMs - Date.now()),
    )
  }

  #draw(): void {
    const { stdout } = this.#options.output
    this.#drawnMs = Date.now()
    const { columns, rows } = stdout
    // the cursor takes one line
    const lines = this.#lines(columns || 80, (rows || 24) - 1)
    const up = this.#drawnLines === 0 ? '' : `\u001B[${this.#drawnLines}A`
    stdout.write(`${up}${lines.map((line) => `\u001B[2K${line}\n`).join('')}\u001B[J`)
    this.#drawnLines = lines.length
  }

  #lines(width: number, height: number): readonly string[] {
    const { output, service } = this.#options
    const paint = (style: Style | undefined, line: string): string =>
      style === undefined ? line : output.paint(style, line)
    const shown = this.#instances()
    const nowMs = Date.now()
    // heading and footer
    const rows = Math.max(1, height - 2)
    const fits = shown.length <= rows
    // what changes may not be among the rows that fit: it is listed below the table
    const log = fits ? [] : this.#log.slice(-Math.floor(rows / 3))
    // and a line with the number of omitted rows
    const visible = fits ? shown : shown.slice(0, Math.max(1, rows - log.length - 1))
    const cells = visible.map((instance) => [
      ...(service === undefined ? [instance.service] : []),
      ...instanceCells(instance, this.#options.recordOf(instance), nowMs),
      this.#marks.get(keyOf(instance))?.text ?? '',
    ])
    const columns = [
      ...(service === undefined ? [{ heading: 'SERVICE' }] : []),
      ...instanceColumns,
      { heading: '' },
    ]
    const [heading = '', ...lines] = tableLinesWithin(width, columns, cells)
    const left = shown.length - visible.length
    return [
      paint('dim', heading),
      ...lines.map((line, index) => {
        const instance = visible[index]
        const mark = instance && this.#marks.get(keyOf(instance))
        return paint(mark && styles[mark.text], line)
      }),
      ...(left > 0 ? [paint('dim', `… and ${left} more`)] : []),
      ...log.map(({ type, text }) => paint(styles[type], cutToWidth(text, width))),
      this.#footer(width),
    ]
  }

  /** The present and the recently removed instances. Updates the marks. */
  #instances(): readonly ServiceInstance[] {
    const { watcher, service } = this.#options
    const nowMs = Date.now()
    for (const [key, { text, sinceMs }] of this.#marks)
      if (text === 'held' || nowMs - sinceMs > markMs) this.#marks.delete(key)
    for (const held of watcher.held) {
      const name = typeof held === 'string' ? { service: service ?? '', id: held } : held
      this.#marks.set(keyOf(name), { text: 'held', sinceMs: nowMs })
    }
    const gone = [...this.#marks.values()].flatMap((mark) => mark.gone ?? [])
    return [...watcher.instances, ...gone].toSorted(byName)
  }

  #footer(width: number): string {
    const { output, watcher, service } = this.#options
    const count = `${service === undefined ? '' : `${service}: `}${counted(watcher.size, 'instance')}`
    const { stale } = watcher
    if (stale !== undefined) {
      const age = showAge(Date.now() - stale.since.getTime())
      const text = `${count}, STALE for ${age}: ${stale.cause.message}`
      return output.paint('yellow', cutToWidth(printable(text), width))
    }
    if (this.#synced) return output.paint('green', cutToWidth(printable(`${count}, fresh`), width))
    return output.paint('dim', `connecting (${showAge(Date.now() - this.#openedMs)})`)
  }
}
