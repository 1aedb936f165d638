/** What a session last sent under one key. */
export interface SentRecord<Revision> {
  readonly owner: string
  readonly value: Uint8Array
  /** The revision that the write got; `undefined` while no answer told it. */
  revision: Revision | undefined
}

/**
 * What a session last sent under each key, acknowledged or not: `audit` compares with it, and an
 * update expects the revision in it.
 */
export class SentRecords<Revision = undefined> {
  readonly #records = new Map<string, SentRecord<Revision>>()

  get(key: string): SentRecord<Revision> | undefined {
    return this.#records.get(key)
  }

  /**
   * Remembers a write. Call it before the write is sent, as an audit must recognise one whose answer
   * was lost. The revision of the same owner's last write stays known.
   */
  add(key: string, owner: string, value: Uint8Array): SentRecord<Revision> {
    const last = this.#records.get(key)
    const sent = { owner, value, revision: last?.owner === owner ? last.revision : undefined }
    this.#records.set(key, sent)
    return sent
  }

  /** Forgets `sent`, which is not stored any more, unless something else was sent meanwhile. */
  delete(key: string, sent: SentRecord<Revision> | undefined): void {
    if (this.#records.get(key) === sent) this.#records.delete(key)
  }
}
