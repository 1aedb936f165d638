import { createInterface } from 'node:readline/promises'
import type { Output } from './output.ts'

/** Asks on stderr, and reads yes or no from the terminal. A closed terminal means no. */
export const confirm = async (
  { stderr }: Output,
  question: string,
  signal: AbortSignal,
): Promise<boolean> => {
  const lines = createInterface({ input: process.stdin, output: stderr })
  try {
    const closed = new Promise<string>((resolve) => {
      lines.once('close', () => resolve(''))
    })
    // readline reads Ctrl-C as a key, so that no signal arrives
    lines.once('SIGINT', () => process.kill(process.pid, 'SIGINT'))
    const answer = await Promise.race([lines.question(`${question} [y/N] `, { signal }), closed])
    return /^y(es)?$/i.test(answer.trim())
  } catch (error) {
    if (signal.aborted) throw signal.reason
    throw error
  } finally {
    lines.close()
  }
}
