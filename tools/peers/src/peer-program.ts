import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { cachedFolder, repositoryRoot } from '@sd/test-servers'
import { inTurn } from './in-turn.ts'

/** A build fetches hundreds of modules. */
const buildMs = 900_000

/** A program over the discovery libraries of other languages: its command, or why there is none. */
export type PeerProgram =
  | { readonly command: readonly string[] }
  /** What to install, for the names of the skipped tests. */
  | { readonly missing: string }

/** How {@link peerProgram} makes a program from its sources. */
export interface PeerBuild {
  /** `Go`, for messages. */
  readonly language: string
  /** The folder of its sources, relative to the repository. */
  readonly sources: string
  /** What is missing on this machine, with what to install; `undefined` if nothing is. */
  readonly missing: () => Promise<string | undefined>
  /** Builds the program into the empty folder `to`. */
  readonly build: (sources: string, to: string) => Promise<void>
  /** The command of the program that was built in `folder`. */
  readonly command: (folder: string) => readonly string[]
}

const filesBelow = async (folder: string): Promise<readonly string[]> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
}

/** A hash of the content of a folder's files. */
const contentHash = async (folder: string): Promise<string> => {
  const hash = createHash('sha256')
  for (const file of await filesBelow(folder))
    hash
      .update(`${file.slice(folder.length)}\0`)
      .update(await readFile(file))
      .update('\0')
  return hash.digest('hex').slice(0, 16)
}

/**
 * Builds a program once for each content of its sources, in `.cache/peers`: test files that run at the same
 * time wait for the first of them. Without its toolchain, and after a failed build, prints one line, and
 * resolves with what is missing.
 */
export const peerProgram = async (
  { language, sources, missing, build, command }: PeerBuild,
  say: (line: string) => void = (line) => process.stderr.write(`${line}\n`),
): Promise<PeerProgram> => {
  const unavailable = (reason: string): PeerProgram => {
    say(`peers: no ${language} peers, their tests are skipped: ${reason}`)
    return { missing: reason }
  }
  const lacking = await missing()
  if (lacking !== undefined) return unavailable(lacking)
  const folder = join(repositoryRoot, sources)
  const built = join(repositoryRoot, '.cache/peers', await contentHash(folder))
  try {
    await mkdir(dirname(built), { recursive: true })
    await inTurn(`${built}.lock`, buildMs, () =>
      cachedFolder(built, async (work) => {
        await build(folder, work)
        return work
      }),
    )
  } catch (error) {
    return unavailable(
      `their build failed: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  return { command: command(built) }
}
