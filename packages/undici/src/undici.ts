// the order matters: the first import notes what the second would overwrite
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

/** undici 8, imported so that a global dispatcher that was set before stays set. */
export { buildConnector, Client, Dispatcher, errors, getGlobalDispatcher, Pool, util }

// undici's types leave it out
const { wrapHandler } = Dispatcher1Wrapper as unknown as {
  readonly wrapHandler: (this: void, handler: object) => Dispatcher.DispatchHandler
}

/** A handler of undici 6, as the built-in fetch of Node 22 and 24 passes it, in the form of undici 7 and 8. */
export const modernHandler: (handler: object) => Dispatcher.DispatchHandler = wrapHandler
