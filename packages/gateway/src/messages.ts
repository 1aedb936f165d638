import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'

/** A request to the gateway. */
export type Incoming = IncomingMessage | Http2ServerRequest
/** Its response. */
export type Outgoing = ServerResponse | Http2ServerResponse
