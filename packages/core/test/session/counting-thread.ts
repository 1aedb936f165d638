import { serveHeartbeats } from '@sd/core/driver'

// Reports its configuration, and each session that it renews or releases. The session `ends` ends it. One with a
// password is taken from the connection of the loop.
await serveHeartbeats('counting', (config, context) => {
  const tell = (message: string): void =>
    context.report({ level: 'info', event: 'thread', message })
  tell(`config ${JSON.stringify(config)}`)
  return (id, _ttlMs, password) => ({
    takesSession: password !== undefined,
    renew: async () => {
      if (id === 'ends') process.exit(7)
      tell(`renew ${id}${password === undefined ? '' : ` with ${password}`}`)
    },
    release: () => tell(`release ${id}`),
  })
})
