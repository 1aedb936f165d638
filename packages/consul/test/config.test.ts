import { createCertificates } from '@sd/contract-tests/servers'
import { describe, expect, it } from 'vitest'
import { consul, validateConsulConfig } from '../src/index.ts'

const endpoint = 'http://10.0.0.1:8500'
const { ca, client } = await createCertificates()

describe('validateConsulConfig', () => {
  it('freezes a copy', () => {
    const config = validateConsulConfig({ endpoint })
    expect(config).toEqual({ endpoint })
    expect(Object.isFrozen(config)).toBe(true)
  })

  it.each([
    { endpoint: 'unix:///var/run/consul/http.sock' },
    { endpoint: 'http://[::1]:8500', namespace: 'a/b' },
    { endpoint, heartbeat: 'worker', maxBlockMs: 30_000 },
    { endpoint, token: 't', datacenter: 'dc1', consistency: 'stale' },
    {
      endpoint: 'https://consul.example:8501',
      tls: { ca, cert: Buffer.from(client.cert), key: client.key },
    },
  ])('takes %j', (given) => {
    expect(validateConsulConfig(given)).toEqual(given)
  })

  it.each([
    [undefined, 'the configuration is undefined'],
    [{}, 'endpoint is undefined; expected http://host:port'],
    [{ endpoint: '10.0.0.1:8500' }, 'endpoint is "10.0.0.1:8500"'],
    [{ endpoint: 'http://h' }, 'endpoint is'],
    [{ endpoint: 'http://h:0' }, 'endpoint is'],
    [{ endpoint: 'http://h:70000' }, 'endpoint is'],
    [{ endpoint: 'http://h:1/v1' }, 'with no path'],
    [{ endpoint: 'unix://relative.sock' }, 'endpoint is'],
    [{ endpoint, namespace: 'a/' }, 'namespace is "a/"'],
    [{ endpoint, datacenter: 'a&b' }, 'datacenter is "a&b"'],
    [{ endpoint, consistency: 'strong' }, 'expected default, consistent, stale'],
    [{ endpoint, tls: {} }, 'tls is given'],
    [{ endpoint, heartbeat: 'loop', maxBlockMs: 1 }, 'maxBlockMs is given without'],
    [{ endpoint, dc: 'x' }, 'unknown key "dc"'],
    [{ endpoints: [endpoint] }, 'did you mean "endpoint"?'],
  ])('refuses %j', (given, message) => {
    expect(() => validateConsulConfig(given)).toThrow(message)
    expect(() => consul(given as never)).toThrow(
      expect.objectContaining({ code: 'invalid-config' }) as Error,
    )
  })

  it('shows no credential', () => {
    for (const given of [
      { endpoint: 'http://:s3cret@h:1' },
      { endpoint, token: 's3cret with spaces' },
      { endpoint, token: 's3cret\n' },
    ])
      expect(() => validateConsulConfig(given)).toThrow(
        expect.objectContaining({
          message: expect.not.stringContaining('s3cret') as string,
        }) as Error,
      )
  })
})
