/** Children of a node: flatter than a binary heap, with adjacent keys. */
const arity = 4

/**
 * Finds the slot with the earliest deadline: an indexed 4-ary heap. Slots are small integers that
 * the caller assigns.
 */
export class DeadlineHeap {
  #deadlines = new Float64Array(16)
  #slots = new Int32Array(16)
  /** The place of each slot in the heap. */
  #places = new Int32Array(16)
  #size = 0

  get size(): number {
    return this.#size
  }

  /** The slot with the earliest deadline. */
  get first(): number {
    return this.#slots[0] ?? 0
  }

  get firstDeadline(): number {
    return this.#deadlines[0] ?? 0
  }

  deadlineOf(slot: number): number {
    return this.#deadlines[this.#places[slot] ?? 0] ?? 0
  }

  add(slot: number, deadline: number): void {
    if (this.#size === this.#slots.length || slot >= this.#places.length) this.#grow(slot)
    this.#size += 1
    this.#up(this.#size - 1, slot, deadline)
  }

  /** Gives the first slot a later deadline. */
  postpone(deadline: number): void {
    this.#down(0, this.#slots[0] ?? 0, deadline)
  }

  /** Gives any slot another deadline. */
  move(slot: number, deadline: number): void {
    const place = this.#places[slot] ?? 0
    if (deadline < (this.#deadlines[place] ?? 0)) this.#up(place, slot, deadline)
    else this.#down(place, slot, deadline)
  }

  remove(slot: number): void {
    const place = this.#places[slot] ?? 0
    this.#size -= 1
    const last = this.#slots[this.#size] ?? 0
    const deadline = this.#deadlines[this.#size] ?? 0
    if (last === slot) return
    if (deadline < (this.#deadlines[place] ?? 0)) this.#up(place, last, deadline)
    else this.#down(place, last, deadline)
  }

  #up(from: number, slot: number, deadline: number): void {
    const [deadlines, slots, places] = [this.#deadlines, this.#slots, this.#places]
    let place = from
    while (place > 0) {
      const parent = ((place - 1) / arity) | 0
      if (deadlines[parent]! <= deadline) break
      deadlines[place] = deadlines[parent]!
      slots[place] = slots[parent]!
      places[slots[place]!] = place
      place = parent
    }
    deadlines[place] = deadline
    slots[place] = slot
    places[slot] = place
  }

  #down(from: number, slot: number, deadline: number): void {
    const [deadlines, slots, places] = [this.#deadlines, this.#slots, this.#places]
    const size = this.#size
    let place = from
    for (;;) {
      const begin = place * arity + 1
      if (begin >= size) break
      const end = Math.min(begin + arity, size)
      let child = begin
      for (let index = begin + 1; index < end; index += 1)
        if (deadlines[index]! < deadlines[child]!) child = index
      if (deadlines[child]! >= deadline) break
      deadlines[place] = deadlines[child]!
      slots[place] = slots[child]!
      places[slots[place]!] = place
      place = child
    }
    deadlines[place] = deadline
    slots[place] = slot
    places[slot] = place
  }

  #grow(slot: number): void {
    const length = Math.max(this.#slots.length * 2, slot + 1)
    const [deadlines, slots, places] = [this.#deadlines, this.#slots, this.#places]
    this.#deadlines = new Float64Array(length)
    this.#deadlines.set(deadlines)
    this.#slots = new Int32Array(length)
    this.#slots.set(slots)
    this.#places = new Int32Array(length)
    this.#places.set(places)
  }
}
