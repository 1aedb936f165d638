/** One character cell of a terminal. */
export interface Cell {
  readonly text: string
  /** SGR codes in force: `32` green, `2` dim, … */
  readonly codes: readonly number[]
}

/** The reset code of each attribute: 39 for colours, 22 for bold and dim. */
const endedBy = (code: number, end: number): boolean =>
  end === 0 || (end === 39 && code >= 30 && code < 38) || (end === 22 && (code === 1 || code === 2))

/** The parts of a terminal that the output of `sd` needs: lines, colours, and overwriting. */
export class Screen {
  readonly #rows: Cell[][] = [[]]
  #row = 0
  #column = 0
  #codes: number[] = []

  get rows(): readonly (readonly Cell[])[] {
    return this.#rows
  }

  write(output: string): void {
    // eslint-disable-next-line no-control-regex -- escape sequences are what this is about
    for (const [token] of output.matchAll(/\u001B\[([\d;?]*)([A-Za-z])|[^]/gu)) this.#take(token)
  }

  #take(token: string): void {
    if (token.length > 1 && token.startsWith('\u001B')) this.#control(token)
    else if (token === '\r') this.#column = 0
    else if (token === '\n') this.#moveTo(this.#row + 1)
    else this.#put(token)
  }

  #control(sequence: string): void {
    const count = Number.parseInt(sequence.slice(2), 10)
    const final = sequence.slice(-1)
    switch (final) {
      case 'A':
        return this.#moveTo(Math.max(0, this.#row - (count || 1)))
      case 'G':
        this.#column = (count || 1) - 1
        return
      case 'K':
        this.#rows[this.#row] =
          count === 2 ? [] : (this.#rows[this.#row] ?? []).slice(0, this.#column)
        return
      case 'J':
        this.#rows.length = this.#row + 1
        this.#rows[this.#row] = (this.#rows[this.#row] ?? []).slice(0, this.#column)
        return
      case 'm':
        this.#codes =
          (count >= 30 && count < 38) || count === 1 || count === 2
            ? [...this.#codes, count]
            : this.#codes.filter((code) => !endedBy(code, count || 0))
        return
      default:
        throw new Error(`sd writes ${JSON.stringify(sequence)}, which this screen does not know`)
    }
  }

  #moveTo(row: number): void {
    this.#row = row
    while (this.#rows.length <= row) this.#rows.push([])
  }

  #put(text: string): void {
    const row = (this.#rows[this.#row] ??= [])
    while (row.length < this.#column) row.push({ text: ' ', codes: [] })
    row[this.#column++] = { text, codes: this.#codes }
  }
}
