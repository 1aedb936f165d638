import type { RegistryError } from '../registry-error.ts'

/**
 * The state of an engine. `attaching`: no observation yet. `live`: observations arrive. `waiting`: the
 * attachment failed and is retried after a delay. `closed`: final.
 */
export type WatchState =
  | { readonly name: 'attaching' }
  | { readonly name: 'live' }
  | { readonly name: 'waiting'; readonly cause: RegistryError }
  | { readonly name: 'closed' }

/** An event in the life of an engine. */
export type WatchTransition =
  | { readonly type: 'observed' }
  | { readonly type: 'failed'; readonly cause: RegistryError }
  | { readonly type: 'retry' }
  | { readonly type: 'closed' }

/** The transition function of engines; an event without a transition changes nothing. */
export const nextWatchState = (state: WatchState, event: WatchTransition): WatchState => {
  if (state.name === 'closed' || event.type === 'closed') return { name: 'closed' }
  switch (event.type) {
    case 'observed':
      return state.name === 'attaching' ? { name: 'live' } : state
    case 'failed':
      return { name: 'waiting', cause: event.cause }
    case 'retry':
      return state.name === 'waiting' ? { name: 'attaching' } : state
  }
}
