import type { PutRequest } from '@sd/core/driver'

/** A record as the version before the health of instances wrote it, byte for byte. */
export const earlierRecord =
  '{"schema":1,"id":"earlier","name":"orders","version":"1.4.0","metadata":{"commit":"abc"},"endpoints":["http://10.0.0.7:8080"],"weight":10,"zone":"eu-1a","tags":["canary"],"claim":{"owner":"k3v9","at":1763701200000,"seq":2},"ttlMs":10000,"registeredAtMs":1763701200000}'

/** The request for which that version wrote it. */
export const earlierRequest: PutRequest = {
  instance: {
    service: 'orders',
    id: 'earlier',
    endpoints: ['http://10.0.0.7:8080'],
    version: '1.4.0',
    zone: 'eu-1a',
    weight: 10,
    health: 'passing',
    tags: ['canary'],
    metadata: { commit: 'abc' },
  },
  claim: { owner: 'k3v9', claimedAtMs: 1_763_701_200_000, seq: 2 },
  mode: 'if-newer',
  ttlMs: 10_000,
  registeredAtMs: 1_763_701_200_000,
}

/** A record as a later version may write it: with fields, and with a health, that this one does not know. */
export const laterRecord =
  '{"schema":1,"id":"later","name":"orders","version":"2.0.0","metadata":{"commit":"def"},"endpoints":["http://10.0.0.8:8080"],"weight":20,"health":"warming-up","rack":{"row":7,"slots":[1,2]},"zone":"eu-1b","tags":["new"],"costs":null,"claim":{"owner":"z8p1","at":1763701300000,"seq":5},"ttlMs":10000,"registeredAtMs":1763701300000}'
