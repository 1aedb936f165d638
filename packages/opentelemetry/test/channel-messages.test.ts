import { balancerChannel, type BalancerEvent, pickChannel, type PickEvent } from '@sd/balancer'
import { requestChannelName, type RequestEvent } from '@sd/undici'
import { expect, expectTypeOf, test } from 'vitest'
import {
  type BalancerMessage,
  balancerChannelName,
  type PickMessage,
  pickChannelName,
  requestChannelName as expectedRequestChannel,
  type RequestMessage,
} from '../src/channel-messages.ts'

test('the messages are those that the packages publish', () => {
  expect(expectedRequestChannel).toBe(requestChannelName)
  expect(balancerChannelName).toBe(balancerChannel)
  expect(pickChannelName).toBe(pickChannel)
  // checked by the compiler
  expectTypeOf<RequestEvent>().toExtend<RequestMessage>()
  expectTypeOf<BalancerEvent>().toExtend<BalancerMessage>()
  expectTypeOf<PickEvent>().toExtend<PickMessage>()
})
