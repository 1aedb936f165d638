// A user's program in a strict TypeScript project with ES modules.
import { createRegistry, type RegistryConfig, RegistryError } from '@sd/registry'

const config: RegistryConfig = { backend: 'memory', ttlMs: 5_000 }
const registry = await createRegistry(config)
try {
  const { instance } = await registry.register({ service: 'orders', endpoints: ['http://h:1'] })
  console.log(instance.endpoints.join())
} catch (error) {
  if (error instanceof RegistryError) console.log(error.code)
} finally {
  await registry.close()
}
