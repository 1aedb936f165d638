import type { RegistryError } from '../registry-error.ts'

/**
 * Where an engine stands. `attaching`: observing, nothing seen yet. `live`: observations come.
 * `waiting`: it failed, and is tried again after a delay. `closed`: for good.
 */
export type WatchState =
  | { readonly name: 'attaching' }
  | { readonly name: 'live' }
  | { readonly name: 'waiting'; readonly cause: RegistryError }
  | { readonly name: 'closed' }

/** What can happen to an engine. */
export type WatchTransition =
  | { readonly type: 'observed' }
  | { readonly type: 'failed'; readonly cause: RegistryError }
  | { readonly type: 'retry' }
  | { readonly type: 'closed' }

/** The one place where engines change state; an event that means nothing there changes nothing. */
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
