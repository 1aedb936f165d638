/** What a session last sent under one key. */
export interface SentRecord<Revision> {
  readonly owner: string
  readonly value: Uint8Array
  /** The revision of the write; `undefined` until an answer reports it. */
  revision: Revision | undefined
}

/**
 * What a session last sent under each key, acknowledged or not. `audit` compares stored records with
 * it, and updates expect its revision.
 */
export class SentRecords<Revision = undefined> {
  readonly #records = new Map<string, SentRecord<Revision>>()

  get(key: string): SentRecord<Revision> | undefined {
    return this.#records.get(key)
  }

  /**
   * Stores a write. Call it before sending, as an audit must recognise a write whose answer was
   * lost. Keeps the revision of the same owner's last write.
   */
  add(key: string, owner: string, value: Uint8Array): SentRecord<Revision> {
    const last = this.#records.get(key)
    const sent = { owner, value, revision: last?.owner === owner ? last.revision : undefined }
    this.#records.set(key, sent)
    return sent
  }

  /** Deletes `sent`, unless another write was sent since. */
  delete(key: string, sent: SentRecord<Revision> | undefined): void {
    if (this.#records.get(key) === sent) this.#records.delete(key)
  }
}
