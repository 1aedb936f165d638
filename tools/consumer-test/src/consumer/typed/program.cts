// The same from CommonJS, which Node has required ES modules from since 22.12.
import sd = require('@sd/registry')

const main = async (): Promise<void> => {
  const registry = await sd.createRegistry('memory:')
  const { instance } = await registry.register({ service: 'orders', endpoints: ['http://h:1'] })
  console.log(instance.endpoints.join())
  await registry.close()
}
void main()
