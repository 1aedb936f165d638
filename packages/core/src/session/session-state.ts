import type { RegistryError } from '../registry-error.ts'
import type { OpenSession } from './open-session.ts'

/**
 * Where the session stands. `idle`: nothing to publish. `opening`: asked for. `waiting`: it could
 * not be had, or was lost, and is asked for again at `untilMs`. `live`: open and beating. `closed`:
 * for good.
 */
export type SessionState =
  | { readonly name: 'idle' }
  | { readonly name: 'opening'; readonly cause?: RegistryError | undefined }
  | { readonly name: 'waiting'; readonly untilMs: number; readonly cause: RegistryError }
  | { readonly name: 'live'; readonly session: OpenSession }
  | { readonly name: 'closed' }

/** What can happen to the session. */
export type SessionEvent =
  | { readonly type: 'wanted' }
  | { readonly type: 'opened'; readonly session: OpenSession }
  | { readonly type: 'failed' | 'lost'; readonly untilMs: number; readonly cause: RegistryError }
  | { readonly type: 'unneeded' }
  | { readonly type: 'closed' }

/** The one place where the session changes state; an event that means nothing there changes nothing. */
export const nextSessionState = (state: SessionState, event: SessionEvent): SessionState => {
  if (state.name === 'closed' || event.type === 'closed') return { name: 'closed' }
  switch (event.type) {
    case 'wanted':
      if (state.name === 'idle') return { name: 'opening' }
      return state.name === 'waiting' ? { name: 'opening', cause: state.cause } : state
    case 'opened':
      // from `live` too: that is a rotation; from `waiting`, when the old one was lost during it
      return state.name === 'idle' ? state : { name: 'live', session: event.session }
    case 'failed':
    case 'lost':
      return state.name === (event.type === 'lost' ? 'live' : 'opening')
        ? { name: 'waiting', untilMs: event.untilMs, cause: event.cause }
        : state
    case 'unneeded':
      return state.name === 'live' ? state : { name: 'idle' }
  }
}
