import { channel } from 'node:diagnostics_channel'
import type { GatewayMessage } from '@sd/opentelemetry'
import { expect, expectTypeOf, test } from 'vitest'
import { gatewayChannelName, type GatewayEvent } from '../src/index.ts'
import { instrumented } from './telemetry.ts'
import { World } from './world.ts'

type Of<Message, Event> = Extract<Message, { readonly event: Event }>

test('the messages are those that @sd/opentelemetry understands', async () => {
  // checked by the compiler; the keys, as an optional field may be missing in a type that extends another
  expectTypeOf<GatewayMessage['event']>().toExtend<GatewayEvent['event']>()
  expectTypeOf<Of<GatewayEvent, 'started'>>().toExtend<Of<GatewayMessage, 'started'>>()
  expectTypeOf<keyof Of<GatewayMessage, 'started'>>().toExtend<keyof Of<GatewayEvent, 'started'>>()
  expectTypeOf<Of<GatewayEvent, 'picked'>>().toExtend<Of<GatewayMessage, 'picked'>>()
  expectTypeOf<keyof Of<GatewayMessage, 'picked'>>().toExtend<keyof Of<GatewayEvent, 'picked'>>()
  expectTypeOf<Of<GatewayEvent, 'finished'>>().toExtend<Of<GatewayMessage, 'finished'>>()
  expectTypeOf<keyof Of<GatewayMessage, 'finished'>>().toExtend<
    keyof Of<GatewayEvent, 'finished'>
  >()
  expectTypeOf<Of<GatewayEvent, 'upgraded'>>().toExtend<Of<GatewayMessage, 'upgraded'>>()
})

test('@sd/opentelemetry listens on the channel', async () => {
  await using world = await World.create()
  expect(channel(gatewayChannelName).hasSubscribers).toBe(false)
  world.use(instrumented(world.registry))
  expect(channel(gatewayChannelName).hasSubscribers).toBe(true)
})
