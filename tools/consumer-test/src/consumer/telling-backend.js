import { appendFileSync } from 'node:fs'
import { memory } from '@sd/memory'

/** A backend that writes down, in `file`, what is registered: to be seen from another process. */
export const tellingBackend =
  ({ file, namespace }) =>
  (context) => {
    const driver = memory({ namespace })(context)
    const openSession = driver.openSession.bind(driver)
    return Object.assign(driver, {
      openSession: async (options, signal) => {
        const session = await openSession(options, signal)
        const put = session.put.bind(session)
        return Object.assign(session, {
          put: (requests, putSignal) => {
            for (const { instance } of requests)
              appendFileSync(file, `${process.pid} ${instance.service} ${instance.id}\n`)
            return put(requests, putSignal)
          },
        })
      },
    })
  }
