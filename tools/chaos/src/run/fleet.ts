import { ClientHandle } from '../processes/client-handle.ts'
import type { ClientOptions } from '../processes/messages.ts'
import { ownIds } from '../schedule/draw-round.ts'
import { type Action, owners, type Place, watchers } from '../schedule/round.ts'
import type { Link, ReportedProcess, WatchedScope } from '../timeline/timeline-event.ts'
import type { ChaosBackend } from '../backends/chaos-backend.ts'
import type { Recorder } from './recorder.ts'

/** What all client processes are started with. */
export interface ClientSettings extends Omit<ClientOptions, 'process' | 'place' | 'originMs'> {
  readonly namespace: string
}

const linkOf: Readonly<Record<Place, Link>> = {
  'owner-1': 'a',
  'owner-2': 'b',
  'owner-3': 'a',
  'watcher-1': 'a',
  'watcher-2': 'b',
}

/** More watchers of one process show nothing new. */
const mostWatchers = 5

/** How long a process may take to say what it sees. */
const stateDeadlineMs = 5_000

/** How long a process may take to start on a loaded machine. */
const startDeadlineMs = 60_000

interface Occupant {
  readonly client: ClientHandle
  /** The last handle of each id that was not taken back. */
  readonly handles: Map<string, number>
  readonly watchers: string[]
  resume: NodeJS.Timeout | undefined
}

/** The client processes of a run, one at each place; an ended one is replaced. */
export class Fleet {
  readonly #backend: ChaosBackend
  readonly #recorder: Recorder
  readonly #settings: ClientSettings
  readonly #occupants = new Map<Place, Occupant>()
  readonly #leaving = new Set<ClientHandle>()
  #started = 0
  #handles = 0
  #watchers = 0

  constructor(backend: ChaosBackend, recorder: Recorder, settings: ClientSettings) {
    this.#backend = backend
    this.#recorder = recorder
    this.#settings = settings
  }

  /** Starts a process at every place that has none; resolves when all take orders. */
  async fill(): Promise<void> {
    const occupants = [...watchers, ...owners].map((place) => this.#at(place))
    await Promise.all(occupants.map(({ client }) => client.state(startDeadlineMs)))
  }

  /** Does what a user does, or what happens to a process. */
  apply(action: Action): void {
    const occupant = this.#at(action.place)
    const { client, handles } = occupant
    const { name: process } = client
    switch (action.kind) {
      case 'register':
        this.#register(occupant, action)
        return
      case 'update':
      case 'deregister': {
        const [key, handle] = [...handles][action.which % handles.size] ?? []
        if (key === undefined || handle === undefined) return
        if (action.kind === 'update')
          client.send({ order: 'update', handle, weight: this.#nextWeight() })
        else {
          client.send({ order: 'deregister', handle })
          handles.delete(key)
        }
        return
      }
      case 'watch':
        if (occupant.watchers.length < mostWatchers) this.#watch(occupant, action.scope)
        return
      case 'unwatch': {
        const watcher = occupant.watchers.shift()
        if (watcher !== undefined) client.send({ order: 'unwatch', watcher })
        return
      }
      case 'list':
        client.send({ order: 'list', service: action.service })
        return
      case 'leave':
        if (occupant.resume === undefined) this.#leave(action.place, occupant)
        return
      case 'kill':
        clearTimeout(occupant.resume)
        this.#recorder.note({ type: 'process-killed', process })
        this.#occupants.delete(action.place)
        client.kill()
        return
      case 'pause':
        if (occupant.resume !== undefined) return
        this.#recorder.note({ type: 'process-paused', process })
        client.pause()
        occupant.resume = setTimeout(() => this.#resume(occupant), action.forMs)
    }
  }

  /** The name of the process at a place, and its session. */
  async session(place: Place): Promise<{ process: string; sessionId: string } | undefined> {
    const occupant = this.#occupants.get(place)
    if (occupant === undefined || occupant.resume !== undefined) return undefined
    const state = await occupant.client.state(stateDeadlineMs)
    if (state?.sessionId === undefined) return undefined
    return { process: state.process, sessionId: state.sessionId }
  }

  /** Lets all processes go on, and waits until those that leave have ended. */
  async calm(): Promise<void> {
    for (const occupant of this.#occupants.values()) {
      clearTimeout(occupant.resume)
      this.#resume(occupant)
    }
    await Promise.all([...this.#leaving].map(({ ended }) => ended))
  }

  /** What every process sees; those that do not answer are missing. */
  async states(): Promise<readonly ReportedProcess[]> {
    const states = await Promise.all(
      [...this.#occupants.values()].map(({ client }) => client.state(stateDeadlineMs)),
    )
    return states.filter((state) => state !== undefined)
  }

  /** Makes every process close its registry, and waits until all have ended. */
  async leave(): Promise<void> {
    for (const [place, occupant] of this.#occupants) this.#leave(place, occupant)
    await this.calm()
  }

  /** Kills what still runs. */
  kill(): void {
    for (const { client, resume } of this.#occupants.values()) {
      clearTimeout(resume)
      client.kill()
    }
    for (const client of this.#leaving) client.kill()
  }

  #at(place: Place): Occupant {
    const present = this.#occupants.get(place)
    if (present?.client.over === false) return present
    const occupant = this.#start(place)
    this.#occupants.set(place, occupant)
    if ((watchers as readonly Place[]).includes(place))
      for (const scope of [{ service: 'orders' }, 'all', 'services'] as const)
        this.#watch(occupant, scope)
    else {
      const own = { place, onConflict: 'takeover', waitFor: 'registered' } as const
      for (const [index, id] of ownIds(place).entries())
        this.#register(occupant, { ...own, service: index === 2 ? 'users' : 'orders', id })
      // an owner's watches share its fate: a session in trouble opens their recovery window
      if (place === 'owner-3') this.#watch(occupant, { service: 'orders' })
    }
    return occupant
  }

  #start(place: Place): Occupant {
    this.#started += 1
    const process = `${place}.${this.#started}`
    const link = linkOf[place]
    const recorder = this.#recorder
    recorder.note({ type: 'process-began', process, link })
    const { namespace, ...settings } = this.#settings
    const options = {
      ...settings,
      process,
      place: this.#backend.place(link, namespace),
      originMs: recorder.originMs,
    }
    const client: ClientHandle = new ClientHandle(
      options,
      link,
      (event) => recorder.add(event),
      (how, stderr) => {
        this.#leaving.delete(client)
        recorder.note({ type: 'process-ended', process, how, stderr })
      },
    )
    return { client, handles: new Map(), watchers: [], resume: undefined }
  }

  #register(
    { client, handles }: Occupant,
    { service, id, onConflict, waitFor }: Omit<Extract<Action, { kind: 'register' }>, 'kind'>,
  ): void {
    const handle = ++this.#handles
    const weight = this.#nextWeight()
    client.send({ order: 'register', handle, service, id, weight, onConflict, waitFor })
    // a `reject` of what the process holds itself fails, and leaves the holder
    if (onConflict === 'takeover' || !handles.has(`${service}/${id}`))
      handles.set(`${service}/${id}`, handle)
  }

  #weights = 0
  #nextWeight(): number {
    return 1 + (this.#weights++ % 60_000)
  }

  #watch({ client, watchers: open }: Occupant, scope: WatchedScope): void {
    const shown = typeof scope === 'string' ? scope : scope.service
    const watcher = `${client.name}/${shown}#${++this.#watchers}`
    open.push(watcher)
    client.send({ order: 'watch', watcher, scope })
  }

  #leave(place: Place, { client }: Occupant): void {
    this.#recorder.note({ type: 'process-leaving', process: client.name })
    this.#occupants.delete(place)
    this.#leaving.add(client)
    client.send({ order: 'leave' })
  }

  #resume(occupant: Occupant): void {
    if (occupant.resume === undefined) return
    occupant.resume = undefined
    occupant.client.resume()
    this.#recorder.note({ type: 'process-resumed', process: occupant.client.name })
  }
}
