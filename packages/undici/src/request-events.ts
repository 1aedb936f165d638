import { channel } from 'node:diagnostics_channel'
import type { Attempt } from './attempt.ts'
import type { CallFacts } from './call-failure.ts'

/** The name of the `node:diagnostics_channel` for the progress of requests. */
export const requestChannelName = 'sd:request'

/** The headers of a request before its first try. */
export interface RequestHeaders {
  /** The value of a header, by its name in lower case. */
  get(name: string): string | undefined
  /** Adds a header, or replaces it, for every try. For trace context, for example. */
  set(name: string, value: string): void
}

/** One message on the channel `sd:request`. */
export interface RequestEvent {
  /**
   * `start`: the request begins, and its headers may still be set; `pick`: an instance was chosen, and the request goes to its pool; `retry`: a try failed, and
   * another follows; `hedge`: the response is late, and a second try follows; `response`: the
   * headers of the final response arrived; `end`: all of it was read; `upgrade`: the connection was
   * upgraded; `error`: the request failed, and the caller gets the error. `end`, `upgrade` or `error`
   * is the last message of a request.
   */
  readonly event: 'start' | 'pick' | 'retry' | 'hedge' | 'response' | 'end' | 'upgrade' | 'error'
  readonly backend: 'undici'
  readonly service: string
  readonly method: string
  readonly path: string
  /** The same object in all messages of one request, to tell requests apart. */
  readonly call: object
  /** With `start`: the origin of the URL, e.g. `http://orders.sd`. */
  readonly origin?: string | undefined
  /** With `start`. */
  readonly headers?: RequestHeaders | undefined
  /** Id of the instance that was picked or that failed. */
  readonly instance?: string | undefined
  readonly endpoint?: string | undefined
  /** The number of the try, from 1. */
  readonly attempt: number
  /** With `response`, and with `retry` after a status. */
  readonly status?: number | undefined
  /** With `response`: from the pick to the headers, by this try. */
  readonly latencyMs?: number | undefined
  /** With `retry`: whether any part of the request was sent. */
  readonly sent?: boolean | undefined
  /** With `retry` and `error`: the reason. */
  readonly cause?: unknown
}

/** The channel. Check `hasSubscribers` before making a message. */
export const requestChannel: ReturnType<typeof channel> = channel(requestChannelName)

/** Publishes an event of a call; `attempt`: the try it is about. */
export const publishRequest = (
  call: CallFacts,
  event: RequestEvent['event'],
  attempt: Attempt | undefined,
  details: Pick<RequestEvent, 'origin' | 'headers' | 'status' | 'latencyMs' | 'sent' | 'cause'>,
): void =>
  requestChannel.publish({
    event,
    backend: 'undici',
    service: call.route.service,
    method: call.method,
    path: call.path,
    call,
    instance: attempt?.pick.instance.id,
    endpoint: attempt?.pick.endpoint,
    attempt: attempt?.number ?? 0,
    ...details,
  } satisfies RequestEvent)
