// the order matters: the first import saves what the second overwrites
import { restoreGlobalDispatcher } from './preserved-dispatcher.ts'
import {
  buildConnector,
  Client,
  Dispatcher,
  Dispatcher1Wrapper,
  errors,
  getGlobalDispatcher,
  Pool,
  util,
} from 'undici'

restoreGlobalDispatcher()

/** undici 8, imported in a way that keeps an existing global dispatcher. */
export { buildConnector, Client, Dispatcher, errors, getGlobalDispatcher, Pool, util }

// undici's types omit it
const { wrapHandler } = Dispatcher1Wrapper as unknown as {
  readonly wrapHandler: (this: void, handler: object) => Dispatcher.DispatchHandler
}

/**
 * Converts an undici 6 handler, as the built-in fetch of Node 22 and 24 passes it, to that of
 * undici 7 and 8.
 */
export const modernHandler: (handler: object) => Dispatcher.DispatchHandler = wrapHandler
