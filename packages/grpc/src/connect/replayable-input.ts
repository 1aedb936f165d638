/**
 * The messages of a streaming call, repeatable until an attempt reads any (a single one always).
 */
export class ReplayableInput<T> {
  readonly #input: AsyncIterable<T>
  #iterator: AsyncIterator<T> | undefined
  #single: readonly T[] | undefined
  #pulled = false

  private constructor(input: AsyncIterable<T>) {
    this.#input = input
  }

  /** `single`: the method takes one message, which is read here and can always be repeated. */
  static async of<T>(input: AsyncIterable<T>, single: boolean): Promise<ReplayableInput<T>> {
    const replayable = new ReplayableInput(input)
    if (!single) return replayable
    const messages: T[] = []
    for await (const message of input) messages.push(message)
    replayable.#single = messages
    return replayable
  }

  /** Whether another attempt would see the same messages. */
  get repeatable(): boolean {
    return !this.#pulled
  }

  /** The messages for one attempt. */
  async *messages(): AsyncGenerator<T, void, undefined> {
    if (this.#single !== undefined) return yield* this.#single
    // runs with the first pull only: an attempt that never pulls takes no message
    this.#pulled = true
    this.#iterator ??= this.#input[Symbol.asyncIterator]()
    yield* { [Symbol.asyncIterator]: () => this.#iterator as AsyncIterator<T> }
  }
}
