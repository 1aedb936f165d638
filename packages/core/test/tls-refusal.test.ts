import { describe, expect, it } from 'vitest'
import { tlsRefusal } from '../src/driver/tls-refusal.ts'

describe('tlsRefusal', () => {
  it.each([
    'unable to verify the first certificate; if the root CA is installed locally, try',
    'unable to get local issuer certificate',
    'self-signed certificate in certificate chain',
    'certificate has expired',
    'certificate signature failure',
    "Hostname/IP does not match certificate's altnames: IP: 127.0.0.1 is not in the cert's list: ",
  ])('a server certificate that is not accepted is invalid-config: %s', (reason) => {
    const text = `14 UNAVAILABLE: No connection established. Last error: Error: ${reason}`
    expect(tlsRefusal(text)?.code).toBe('invalid-config')
  })

  it.each([
    'error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required',
    'error:0A000418:SSL routines:ssl3_read_bytes:tlsv1 alert unknown ca',
    'error:0A000412:SSL routines:ssl3_read_bytes:ssl/tls alert bad certificate',
    'error:0A000415:SSL routines:ssl3_read_bytes:sslv3 alert certificate expired',
  ])('a client certificate that is not accepted is permission-denied: %s', (text) => {
    expect(tlsRefusal(text)?.code).toBe('permission-denied')
  })

  it.each([
    '14 UNAVAILABLE: read ECONNRESET',
    'connect ECONNREFUSED 127.0.0.1:2379',
    'error:0A00010B:SSL routines:ssl3_get_record:wrong version number',
    '7 PERMISSION_DENIED: etcdserver: permission denied',
  ])('anything else is no matter of certificates: %s', (text) => {
    expect(tlsRefusal(text)).toBeUndefined()
  })
})
