import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '../run-command.ts'
import type { FoundCommand } from '../found-command.ts'
import type { Release } from './release.ts'

/** What {@link mavenRelease} fetches. */
export interface MavenRelease {
  readonly version: string
  /**
   * `group:artifact:version` of the server and of artifacts that it needs beside its own
   * dependencies.
   */
  readonly artifacts: readonly string[]
  /** The command that runs the server from a folder of its jars. */
  readonly command: (jars: string, env: NodeJS.ProcessEnv) => Promise<FoundCommand>
}

const timeoutMs = 300_000

const dependency = (artifact: string): string => {
  const [group, name, version] = artifact.split(':')
  return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`
}

/** A server written in Java, whose jars Maven fetches. */
export const mavenRelease = ({ version, artifacts, command }: MavenRelease): Release => ({
  version,
  make: async (work) => {
    const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
      <modelVersion>4.0.0</modelVersion>
      <groupId>sd.test</groupId><artifactId>server</artifactId><version>1</version>
      <dependencies>${artifacts.map(dependency).join('')}</dependencies>
    </project>`
    await writeFile(join(work, 'pom.xml'), pom)
    const run = (...args: readonly string[]): Promise<string> =>
      runCommand('mvn', ['--batch-mode', '--quiet', ...args], { cwd: work, timeoutMs })
    await run('--version').catch((error: unknown) => {
      throw new Error(
        `fetching ${artifacts[0]} needs Maven and Java on PATH (Debian: apt-get install maven): ${String(error)}`,
      )
    })
    const jars = join(work, 'jars')
    await run('dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${jars}`)
    return jars
  },
  command,
})
