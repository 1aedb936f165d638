import { expect, test } from 'vitest'
import { decodeByName, keysByName } from '../src/driver/keys-by-name.ts'

test('a document is read with the service and the id of its key', () => {
  const decode = decodeByName(keysByName('x').serviceOf, (service, id) => ({
    skipped: `${service} and ${id}`,
  }))
  expect(decode('orders/1', Buffer.from(''))).toEqual({ skipped: 'orders and 1' })
  for (const key of ['orders', 'a/b/c'])
    expect(decode(key, Buffer.from(''))).toEqual({ skipped: 'its key is not <service>/<id>' })
})
