import { RegistryError, resolveBackend } from '@sd/registry'
import { LocalOwner } from './owner.ts'
import { ProcessOwner } from './process-owner.ts'
import { playScene } from './scene.ts'
import { Stage } from './stage.ts'

const help = `Usage: npm start [-- --help]

Plays a scene of about 12 s: instances register, a table follows them, an owner crashes, and the
registry goes down and comes back. Each service is a separate process. The scene uses the embedded
registry of this machine, or the one that SD_URL names:

  SD_URL=etcd://127.0.0.1:2379 npm start
  SD_URL=zookeeper://127.0.0.1:2181 npm start
  SD_URL=consul://127.0.0.1:8500 npm start

It registers under a separate service name, and deregisters everything at its end.`

const next = `Try next:
  SD_URL=etcd://127.0.0.1:2379 npm start     the same on a real etcd
  npm test                                   the tests, on servers that it finds or provides
  README.md                                  the API in five minutes`

const play = async (): Promise<number> => {
  if (process.argv.slice(2).some((argument) => argument === '--help' || argument === '-h')) {
    process.stdout.write(`${help}\n`)
    return 0
  }
  const stage = new Stage(process.stdout)
  const { driver, backend } = await resolveBackend()
  // other processes cannot join an in-process backend
  const together = backend === 'memory'
  stage.close([
    `@sd: services register, discover and watch each other. The registry: ${backend}; the services: ${
      together ? 'within this process' : 'one process each'
    }.`,
  ])
  const { lostInOutage } = await playScene({
    source: driver,
    stage,
    service: `scene-${process.pid}`,
    owner: together ? () => new LocalOwner(driver) : () => new ProcessOwner(),
  })
  if (lostInOutage.length > 0) {
    stage.close([
      `Reported as removed during the outage: ${lostInOutage.join(', ')}. This is a bug.`,
    ])
    return 1
  }
  stage.close([next])
  return 0
}

// a closed pipe (| head) ends the scene, without a stack trace
process.stdout.on('error', () => process.exit(0))

try {
  process.exitCode = await play()
} catch (error) {
  process.stderr.write(
    error instanceof RegistryError ? `${error.message}\n` : `${(error as Error).stack}\n`,
  )
  process.exitCode = 1
}
