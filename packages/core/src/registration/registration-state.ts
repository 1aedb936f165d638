import type { RegistryError } from '../registry-error.ts'

/** Where a registration stands. The last three are final. */
export type RegistrationState =
  | 'registering'
  | 'registered'
  | 'recovering'
  | 'superseded'
  | 'failed'
  | 'closed'

/** A registration's state, since when, and what last went wrong in it. */
export interface RegistrationStatus {
  readonly state: RegistrationState
  readonly since: Date
  readonly cause?: RegistryError
}

/**
 * What can happen to a registration. `written`: the backend acknowledged the desired state.
 * `interrupted`: it does not, or no longer, hold it, and we are at it. `refused`: it will not, ever.
 * `superseded`: a higher claim holds the id. `removed`: deregistered, and no record of ours can stand.
 */
export type RegistrationEvent = 'written' | 'interrupted' | 'refused' | 'superseded' | 'removed'

const transitions: Readonly<
  Record<RegistrationState, Partial<Readonly<Record<RegistrationEvent, RegistrationState>>>>
> = {
  registering: {
    written: 'registered',
    interrupted: 'registering',
    refused: 'failed',
    superseded: 'superseded',
    removed: 'closed',
  },
  registered: {
    written: 'registered',
    interrupted: 'recovering',
    superseded: 'superseded',
    removed: 'closed',
  },
  recovering: {
    written: 'registered',
    interrupted: 'recovering',
    superseded: 'superseded',
    removed: 'closed',
  },
  superseded: {},
  failed: {},
  closed: {},
}

/** The one place where registrations change state; an event that means nothing there changes nothing. */
export const nextRegistrationState = (
  state: RegistrationState,
  event: RegistrationEvent,
): RegistrationState => transitions[state][event] ?? state

/** Whether nothing can happen to the registration any more. */
export const isFinal = (state: RegistrationState): boolean =>
  Object.keys(transitions[state]).length === 0
