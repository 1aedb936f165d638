/** Numbers are kept as multiples of this, so that sums stay exact. */
const unit = 1 / 1_024

/**
 * Numbers by place. Changing a number, and finding the place that a prefix sum falls on, both take
 * O(log n). P. M. Fenwick, "A new data structure for cumulative frequency tables", 1994.
 */
export class FenwickTree {
  #values = new Float64Array(16)
  /** `sums[i]` (from 1) is the sum of the `i & -i` places up to the i-th. */
  #sums = new Float64Array(17)
  #total = 0

  /** The sum of all. */
  get total(): number {
    return this.#total
  }

  /** 0 where nothing was set. */
  at(place: number): number {
    return this.#values[place] ?? 0
  }

  /** Sets a number. Above 0 it is rounded to a multiple of 1/1,024, at least 1/1,024. */
  set(place: number, value: number): void {
    while (place >= this.#values.length) this.#grow()
    const rounded = value === 0 ? 0 : Math.max(1, Math.round(value / unit)) * unit
    const difference = rounded - this.#values[place]!
    this.#values[place] = rounded
    this.#total += difference
    const sums = this.#sums
    for (let index = place + 1; index < sums.length; index += index & -index)
      sums[index]! += difference
  }

  /** The first place at which the sum of all up to it is above `sum`. */
  find(sum: number): number {
    const sums = this.#sums
    let rest = sum
    let place = 0
    for (let step = this.#values.length; step > 0; step >>= 1) {
      const next = place + step
      if (next >= sums.length || sums[next]! > rest) continue
      place = next
      rest -= sums[next]!
    }
    return place
  }

  /** Doubles the capacity, always a power of two, as a search halves its steps. */
  #grow(): void {
    const before = this.#values
    this.#values = new Float64Array(before.length * 2)
    this.#values.set(before)
    const sums = new Float64Array(this.#values.length + 1)
    for (let index = 1; index < sums.length; index += 1) {
      sums[index]! += this.#values[index - 1]!
      const parent = index + (index & -index)
      if (parent < sums.length) sums[parent]! += sums[index]!
    }
    this.#sums = sums
  }
}
