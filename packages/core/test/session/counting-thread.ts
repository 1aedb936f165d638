import { serveHeartbeats } from '@sd/core/driver'

// Reports its configuration, and each session that it renews or releases. The session `ends` ends it.
await serveHeartbeats('counting', (config, context) => {
  const tell = (message: string): void =>
    context.report({ level: 'info', event: 'thread', message })
  tell(`config ${JSON.stringify(config)}`)
  return (id) => ({
    renew: async () => {
      if (id === 'ends') process.exit(7)
      tell(`renew ${id}`)
    },
    release: () => tell(`release ${id}`),
  })
})
