// The process of one owner: runs the scene's orders, one after the other.
import { resolveBackend } from '@sd/registry'
import { LocalOwner } from './owner.ts'
import type { Answer, Order } from './process-owner.ts'

const { driver } = await resolveBackend()
const owner = new LocalOwner(driver)

const obey = async ({ method, argument }: Order): Promise<unknown> => {
  if (method === 'register') return owner.register(argument as never)
  if (method === 'update') return owner.update(argument as never)
  return owner[method]()
}

process.on('message', (order: Order) => {
  const answer = (rest: Omit<Answer, 'order'>): boolean | undefined =>
    process.send?.({ order: order.order, ...rest })
  obey(order).then(
    (result) => answer({ result }),
    (error: Error) => answer({ error: error.message }),
  )
})
// the scene has ended: nothing else would deregister the instance
process.once('disconnect', () => void owner.close().finally(() => process.exit(0)))
// an interrupt reaches the whole process group; the scene decides when to leave
process.on('SIGINT', () => {})
process.send?.({ order: 0 } satisfies Answer)
