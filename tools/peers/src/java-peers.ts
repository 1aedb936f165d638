import { copyFile, mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { runCommand } from '@sd/test-servers'
import { type PeerProgram, peerProgram } from './peer-program.ts'

const sourceFolder = 'src/main/java/sd/peers'

const lacks = async (file: string, ...args: readonly string[]): Promise<boolean> =>
  runCommand(file, args).then(
    () => false,
    () => true,
  )

let built: Promise<PeerProgram> | undefined

/** The program of `tools/peers/java`, built once for each run. */
export const javaPeers = (): Promise<PeerProgram> =>
  (built ??= peerProgram({
    language: 'Java',
    sources: 'tools/peers/java',
    missing: async () =>
      (await lacks('javac', '--version')) || (await lacks('mvn', '--version'))
        ? 'install a JDK of 17 or later, and Maven (Debian: apt-get install default-jdk-headless maven)'
        : undefined,
    build: async (sources, to) => {
      const run = (...args: readonly string[]): Promise<string> =>
        runCommand('nice', ['-n', '10', ...args], { cwd: to, timeoutMs: 600_000 })
      const jars = join(to, 'jars')
      await mkdir(jars)
      await copyFile(join(sources, 'pom.xml'), join(to, 'pom.xml'))
      const maven = ['mvn', '--batch-mode', '--quiet', 'dependency:copy-dependencies']
      await run(...maven, '-DincludeScope=runtime', `-DoutputDirectory=${jars}`)
      const files = await readdir(join(sources, sourceFolder))
      const paths = files.map((file) => join(sources, sourceFolder, file))
      await run('javac', '--release', '17', '-d', join(to, 'classes'), '-cp', `${jars}/*`, ...paths)
    },
    command: (folder) => [
      'java',
      '-Xmx256m',
      '-XX:TieredStopAtLevel=1',
      '-XX:+UseSerialGC',
      '-cp',
      `${join(folder, 'classes')}:${join(folder, 'jars')}/*`,
      'sd.peers.Main',
    ],
  }))
