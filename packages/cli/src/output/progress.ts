import { clearLine, cursorTo } from 'node:readline'

const afterMs = 1_000
const everyMs = 100
const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']

/**
 * Awaits `work`. On a terminal, after a second, a line on stderr shows the operation and its
 * duration. `what` is called for each frame, so that it can show a count.
 */
export const withProgress = async <T>(
  stream: NodeJS.WriteStream,
  what: () => string,
  work: Promise<T>,
): Promise<T> => {
  if (!stream.isTTY) return work
  const beganMs = performance.now()
  let frame = 0
  const erase = (): void => {
    clearLine(stream, 0)
    cursorTo(stream, 0)
  }
  const timer = setInterval(() => {
    const tookMs = performance.now() - beganMs
    if (tookMs < afterMs) return
    erase()
    stream.write(`${frames[frame++ % frames.length]} ${what()} (${Math.floor(tookMs / 1_000)} s)`)
  }, everyMs)
  timer.unref()
  try {
    return await work
  } finally {
    clearInterval(timer)
    if (frame > 0) erase()
  }
}
