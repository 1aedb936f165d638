import { createSecureServer } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { createCertificates } from '@sd/contract-tests/servers'
import { createDriverContext } from '@sd/core/driver'
import { expect, it } from 'vitest'
import { etcd } from '../../src/index.ts'

it('a server that requires a certificate refuses a client without one at the first call', async () => {
  const { ca, server } = await createCertificates()
  const host = createSecureServer({ ...server, ca, requestCert: true, rejectUnauthorized: true })
  host.on('sessionError', () => {}).on('tlsClientError', () => {})
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve))
  const endpoint = `https://127.0.0.1:${(host.address() as AddressInfo).port}`
  const driver = etcd({ endpoints: [endpoint], tls: { ca } })(createDriverContext())
  try {
    // the server may end the connection before its alert was read
    const code = expect.stringMatching(/^(?:permission-denied|unavailable)$/) as string
    const list = driver.list({ service: 'orders' }, AbortSignal.timeout(20_000))
    await expect(list).rejects.toMatchObject({ code })
  } finally {
    await driver[Symbol.asyncDispose]()
    host.close()
  }
}, 30_000)
