import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { startSweeper } from '@sd/contract-tests/servers'
import type { RunSettings } from './checker/bounds.ts'
import { checkTimeline } from './checker/check-timeline.ts'
import { ArgumentError, type Command, readArguments } from './read-arguments.ts'
import { describeLoad } from './report/describe-load.ts'
import { showViolation } from './report/show-violation.ts'
import { runChaos } from './run/run-chaos.ts'
import type { TimelineEvent } from './timeline/timeline-event.ts'

const help = `Usage: npm run chaos -- --backend etcd|zookeeper|consul|sqlite [options]
       npm run chaos -- --check FILE

Runs owners and watchers, each a process of its own, against a real server under random faults, and
checks what every watcher and every list shows against what the owners meant. Prints a timeline for
each violation of docs/guarantees.md, and exits with 1 if there is one.

  --backend NAME   the backend; its server is found or provided as for the tests (CONTRIBUTING.md)
  --minutes N      how long new rounds begin; default 1, 0 for one round
  --seed S         repeats the actions and faults of a run, at nearly the same times; default random
  --members 1|3    how many servers form the backend; in a cluster the leader is killed and members are
                   frozen as well; default 1
  --ttl-ms N       the ttl of all registries; default 3000
  --record FILE    writes the whole timeline to a file, one JSON document a line
  --most-violations N  ends the run after that many violations; default 5
  --check FILE     checks a recorded timeline again, without a run
  --help           shows this text

A run is made of rounds: some seconds of actions and faults, then quiet until everything is as the
guarantees promise it, within a bound derived from the ttl.`

/** How many violations of one kind and time are shown with their timeline. */
const shownAtOnce = 2
const say = (line: string): void => void process.stdout.write(`${line}\n`)

const run = async (command: Extract<Command, { do: 'run' }>): Promise<number> => {
  const { backend, minutes, seed, ttlMs, members, record, mostViolations } = command
  const repeat = `npm run chaos -- --backend ${backend} --minutes ${minutes} --seed ${seed} --ttl-ms ${ttlMs} --members ${members}`
  const file = record === undefined ? undefined : createWriteStream(record)
  const shown = new Map<string, number>()
  const sweep = startSweeper()
  try {
    const { rounds, violations, events } = await runChaos({
      backend,
      seed,
      ttlMs,
      members,
      forMs: minutes * 60_000,
      mostViolations,
      say,
      begin: (settings) => {
        file?.write(`${JSON.stringify(settings)}\n`)
        return (event) => void file?.write(`${JSON.stringify(event)}\n`)
      },
      violated: (violation, soFar) => {
        // what one defect breaks is often broken for every id
        const key = `${violation.kind} ${Math.floor(violation.atMs)}`
        shown.set(key, (shown.get(key) ?? 0) + 1)
        if ((shown.get(key) ?? 0) <= shownAtOnce)
          say(`\n${showViolation(violation, soFar, repeat)}`)
        else say(`VIOLATION ${violation.kind} (${violation.guarantee}): ${violation.message}`)
      },
    })
    say(describeLoad(events))
    say(
      violations.length === 0
        ? `${backend}: ${rounds} rounds, every guarantee held`
        : `${backend}: ${rounds} rounds, ${violations.length} violations; repeat: ${repeat}`,
    )
    say(violations.length === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed')
    return violations.length === 0 ? 0 : 1
  } finally {
    file?.end()
    await sweep()
  }
}

const check = async (path: string): Promise<number> => {
  const lines = (await readFile(path, 'utf8')).split('\n').filter((line) => line !== '')
  const settings = JSON.parse(lines[0] ?? '{}') as RunSettings
  const events = lines.slice(1).map((line) => JSON.parse(line) as TimelineEvent)
  const violations = checkTimeline(events, settings)
  for (const violation of violations)
    say(showViolation(violation, events, `npm run chaos -- --check ${path}`))
  say(`${events.length} events, ${violations.length} violations`)
  return violations.length === 0 ? 0 : 1
}

const main = async (): Promise<number> => {
  try {
    const command = readArguments(process.argv.slice(2))
    if (command.do === 'run') return await run(command)
    if (command.do === 'check') return await check(command.file)
    say(help)
    return 0
  } catch (error) {
    if (!(error instanceof ArgumentError)) throw error
    process.stderr.write(`${error.message}\n\n${help}\n`)
    return 2
  }
}

process.exitCode = await main()
