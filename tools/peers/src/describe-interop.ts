import type { TestServer } from '@sd/test-servers'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { interopPairs } from './interop-pair.ts'
import {
  expectBothAfterOutage,
  expectBothOnEmptyServer,
  expectEqualAfterChurn,
  expectKilledExpire,
  expectOursSeen,
  expectTheirsSeen,
  registerBoth,
} from './interop-steps.ts'
import type { JoinedFleet } from './joined-fleet.ts'
import { JoinedFleets, killAndStart, killAndWipe } from './joined-fleets.ts'
import { runnablePeers } from './runnable-peers.ts'

/** Most of it is waiting: for ttls, and for peers that start beside each other. */
const timeout = 240_000

/**
 * Declares the interop tests of all peers of one backend. The peers share one server, each with a
 * service of its own, and take each step beside each other.
 */
export const describeInterop = async (server: TestServer): Promise<void> => {
  const known = await runnablePeers()
  const peers = interopPairs.flatMap((pair) => {
    const peer = known.find(({ name, backend }) => name === pair.peer && backend === server.name)
    return peer === undefined ? [] : [{ pair, peer }]
  })
  const present = peers.filter(({ peer }) => peer.missing === undefined)
  let fleets: JoinedFleets

  /** One test for each peer. */
  const each = (expectStep: (fleet: JoinedFleet) => Promise<void>): void => {
    for (const joinable of peers) {
      const { name, missing } = joinable.peer
      const why = missing === undefined ? '' : ` (${missing})`
      test(`${name}${why}`, { timeout, concurrent: true, skip: missing !== undefined }, async () =>
        expectStep(await fleets.joined(joinable)),
      )
    }
  }

  describe.runIf(peers.length > 0)(`peers and @sd on ${server.name}`, () => {
    beforeAll(async () => {
      fleets = await JoinedFleets.launch(server)
    })
    afterAll(() => fleets?.[Symbol.asyncDispose]())

    describe('ours is registered, updated, weighed and deregistered, as seen there', () => {
      each(expectOursSeen)
    })
    describe('theirs is registered, updated, weighed and deregistered, as seen here', () => {
      each(expectTheirsSeen)
    })
    describe('killed processes of both sides expire on the other', () => {
      each(expectKilledExpire)
    })
    describe('churn of both sides ends in equal views, without an error of a reader', () => {
      each(expectEqualAfterChurn)
    })
    describe('both are there after the server was killed, and see what changes', () => {
      beforeAll(() => fleets.meet(killAndStart, present, registerBoth(3)), timeout)
      each(expectBothAfterOutage(3))
    })
    describe('both are back after the server lost its data, and see what changes', () => {
      beforeAll(() => fleets.meet(killAndWipe, present, registerBoth(4)), timeout)
      each(expectBothOnEmptyServer(4))
    })
  })
}
