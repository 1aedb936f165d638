import { mkdirSync, readFileSync, unlinkSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

const folder = join(tmpdir(), `sd-test-ports-${userInfo().uid}`)
const mine = new Set<number>()
process.on('exit', () => {
  for (const port of mine) withdraw(port)
})

/**
 * Claims a port among all test processes of this machine, with a file. A stopped server still needs
 * its port although nothing listens there, so other processes can detect its use only by a claim.
 * False if another live process has claimed it.
 */
export function claim(port: number): boolean {
  mkdirSync(folder, { recursive: true })
  for (let attempt = 0; attempt < 2; attempt++) {
    try {
      writeFileSync(file(port), String(process.pid), { flag: 'wx' })
      mine.add(port)
      return true
    } catch {
      if (isHeld(port)) return false
      withdraw(port) // its process was killed
    }
  }
  return false
}

/** Releases a claim. */
export function withdraw(port: number): void {
  mine.delete(port)
  try {
    unlinkSync(file(port))
  } catch {
    // It is gone already.
  }
}

const file = (port: number): string => join(folder, String(port))

function isHeld(port: number): boolean {
  try {
    const pid = Number(readFileSync(file(port), 'utf8'))
    // Empty: its owner is about to write its pid.
    return pid === 0 || process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
