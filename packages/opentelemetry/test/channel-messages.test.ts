import { balancerChannel, type BalancerEvent, pickChannel, type PickEvent } from '@sd/balancer'
import { rpcChannelName, type RpcEvent } from '@sd/grpc'
import { requestChannelName, type RequestEvent } from '@sd/undici'
import { expect, expectTypeOf, test } from 'vitest'
import {
  type BalancerMessage,
  balancerChannelName,
  type PickMessage,
  pickChannelName,
  requestChannelName as expectedRequestChannel,
  type RequestMessage,
  rpcChannelName as expectedRpcChannel,
  type RpcMessage,
} from '../src/channel-messages.ts'

test('the channels have the names that the packages use', () => {
  expect(expectedRequestChannel).toBe(requestChannelName)
  expect(expectedRpcChannel).toBe(rpcChannelName)
  expect(balancerChannelName).toBe(balancerChannel)
  expect(pickChannelName).toBe(pickChannel)
})

test('the messages are those that the packages publish', () => {
  // checked by the compiler; the keys, as an optional field may be missing in a type that extends another
  expectTypeOf<RequestEvent>().toExtend<RequestMessage>()
  expectTypeOf<keyof RequestMessage>().toExtend<keyof RequestEvent>()
  expectTypeOf<RpcEvent>().toExtend<RpcMessage>()
  expectTypeOf<keyof RpcMessage>().toExtend<keyof RpcEvent>()
  expectTypeOf<PickEvent>().toExtend<PickMessage>()
  expectTypeOf<BalancerEvent>().toExtend<BalancerMessage>()
  expectTypeOf<'instance-ejected'>().toExtend<BalancerEvent['event']>()
  type Ejected = Extract<BalancerEvent, { event: 'instance-ejected' }>
  expectTypeOf<keyof BalancerMessage>().toExtend<keyof Ejected>()
})
