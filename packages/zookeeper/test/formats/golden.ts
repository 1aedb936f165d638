import { readFileSync } from 'node:fs'

/** A record that a peer's own library wrote: its key relative to the namespace, and its value. */
export interface GoldenRecord {
  readonly key: string
  readonly value: string
}

/** The record in a golden file of `tools/peers`, which has one below `/golden`. */
export const goldenRecord = (peer: string): GoldenRecord => {
  const file = new URL(`../../../../tools/peers/golden/${peer}.json`, import.meta.url)
  const stored = JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, string>>
  const [path = '', value = ''] = Object.entries(stored).at(-1) ?? []
  return { key: path.replace('/golden/', ''), value }
}
