import type { RegistryError } from '../registry-error.ts'
import type { OpenSession } from './open-session.ts'

/**
 * The state of the session. `idle`: nothing to publish. `opening`: requested. `waiting`: the opening
 * failed, or the session was lost; it is requested again at `untilMs`. `live`: open, with a running
 * heartbeat. `closed`: final.
 */
export type SessionState =
  | { readonly name: 'idle' }
  | { readonly name: 'opening'; readonly cause?: RegistryError | undefined }
  | { readonly name: 'waiting'; readonly untilMs: number; readonly cause: RegistryError }
  | { readonly name: 'live'; readonly session: OpenSession }
  | { readonly name: 'closed' }

/** An event in the life of the session. */
export type SessionEvent =
  | { readonly type: 'wanted' }
  | { readonly type: 'opened'; readonly session: OpenSession }
  | { readonly type: 'failed' | 'lost'; readonly untilMs: number; readonly cause: RegistryError }
  | { readonly type: 'unneeded' }
  | { readonly type: 'closed' }

/** The transition function of the session; an event without a transition changes nothing. */
export const nextSessionState = (state: SessionState, event: SessionEvent): SessionState => {
  if (state.name === 'closed' || event.type === 'closed') return { name: 'closed' }
  switch (event.type) {
    case 'wanted':
      if (state.name === 'idle') return { name: 'opening' }
      return state.name === 'waiting' ? { name: 'opening', cause: state.cause } : state
    case 'opened':
      // also from `live`, by a rotation, and from `waiting`, if the old one was lost during a rotation
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
