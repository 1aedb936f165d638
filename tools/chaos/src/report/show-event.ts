import { showMs } from '../checker/show-time.ts'
import { keyOf, type TimelineEvent, type ToldChange } from '../timeline/timeline-event.ts'

const showChange = (change: ToldChange): string => {
  if (change.id === '') return `${change.type} service ${change.service}`
  const from =
    change.previous === undefined
      ? ''
      : ` (was handle ${change.previous.handle} weight ${change.previous.weight})`
  return `${change.type} ${keyOf(change)} as handle ${change.handle} weight ${change.weight}${from}`
}

const because = (cause: string | undefined): string => (cause === undefined ? '' : ` (${cause})`)

const describe = (event: TimelineEvent, key: string | undefined): string | undefined => {
  switch (event.type) {
    case 'fault-began':
      return `FAULT ${event.number} ${event.fault} begins on ${event.process ?? (event.links.length > 1 ? 'the server' : `link ${event.links.join()}`)} ${event.detail ?? ''}`
    case 'fault-ended':
      return `FAULT ${event.number} is over${because(event.failure)}`
    case 'process-began':
      return `${event.process} begins on link ${event.link}`
    case 'process-killed':
      return `${event.process} is killed`
    case 'process-paused':
      return `${event.process} is frozen`
    case 'process-resumed':
      return `${event.process} goes on`
    case 'process-leaving':
      return `${event.process} is asked to close its registry`
    case 'process-closing':
      return `${event.process} closes its registry`
    case 'process-ended':
      return `${event.process} has ended: ${event.how} ${event.stderr}`
    case 'registering':
      return `${event.process} calls register ${keyOf(event)} as handle ${event.handle} weight ${event.weight} (${event.onConflict}, ${event.waitFor})`
    case 'updating':
      return `${event.process} calls update of handle ${event.handle} to weight ${event.weight}`
    case 'deregistering':
      return `${event.process} calls deregister of handle ${event.handle}`
    case 'register-ended':
      return `${event.process}: register of handle ${event.handle}: ${event.ending}`
    case 'update-ended':
      return `${event.process}: update of handle ${event.handle} to weight ${event.weight}: ${event.ending}`
    case 'deregister-ended':
      return `${event.process}: deregister of handle ${event.handle}: ${event.ending}`
    case 'status':
      return `${event.process}: handle ${event.handle} is ${event.state}${because(event.cause)}`
    case 'watching':
      return `${event.watcher} begins`
    case 'watch-ended':
      return `${event.watcher} ends${because(event.cause)}`
    case 'told': {
      const changes = event.changes.filter((change) => key === undefined || keyOf(change) === key)
      const others = event.changes.length - changes.length
      return `  ${event.watcher} is told ${event.event}${because(event.cause)}: ${[...changes.map(showChange), ...(others > 0 ? [`${others} other changes`] : [])].join('; ')}`
    }
    case 'listed': {
      const found = event.instances.filter((one) => key === undefined || keyOf(one) === key)
      return `  ${event.process} lists ${event.service}: ${event.ending}, ${event.instances.length} instances${key === undefined ? '' : `, ${key}: ${found.map((one) => `handle ${one.handle} weight ${one.weight}`).join() || 'absent'}`}`
    }
    case 'wrote':
      return `  the run's own write took ${(event.atMs - event.startedMs).toFixed(0)} ms`
    case 'lagged':
      return `${event.process} did not run since ${showMs(event.sinceMs)}`
    case 'used':
      return `${event.process} made ${Object.entries(event.calls)
        .map(([name, count]) => `${count} ${name}`)
        .join(
          ', ',
        )} and used ${event.cpuMs.toFixed(0)} ms of processor time in ${event.overMs.toFixed(0)} ms`
    case 'quiet-began':
      return `ROUND ${event.round}: all faults are over`
    case 'quiet-ended':
      return `ROUND ${event.round} has settled`
    case 'snapshot':
      return undefined
  }
}

/** One line about an event; of its instances only that with the key, if one is given. */
export const showEvent = (event: TimelineEvent, key?: string): string | undefined => {
  const text = describe(event, key)
  return text === undefined ? undefined : `${showMs(event.atMs)}  ${text.trimEnd()}`
}
