import type { RegistryError } from '../registry-error.ts'

/** The state of a registration. The last three are final. */
export type RegistrationState =
  | 'registering'
  | 'registered'
  | 'recovering'
  | 'superseded'
  | 'failed'
  | 'closed'

/** A registration's state, its start time, and the last failure in it. */
export interface RegistrationStatus {
  readonly state: RegistrationState
  readonly since: Date
  readonly cause?: RegistryError
}

/**
 * An event in the life of a registration. `written`: the backend acknowledged the desired state.
 * `interrupted`: it does not hold that state; recovery goes on. `refused`: it never will.
 * `superseded`: a higher claim holds the id. `removed`: deregistered, and no record of ours is left.
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

/** The transition function of registrations; an event without a transition changes nothing. */
export const nextRegistrationState = (
  state: RegistrationState,
  event: RegistrationEvent,
): RegistrationState => transitions[state][event] ?? state

const finalStates: ReadonlySet<string> = new Set(
  Object.keys(transitions).filter(
    (state) => Object.keys(transitions[state as RegistrationState]).length === 0,
  ),
)

/** Whether the state has no further transitions. */
export const isFinal = (state: RegistrationState): boolean => finalStates.has(state)
