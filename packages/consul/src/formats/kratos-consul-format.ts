import { addressOf, takeWeight, urlHost, weightEntry, type WireFormat } from '@sd/core/driver'
import { serviceDocument } from './service-document.ts'

const versionTag = 'version='

/**
 * Kratos's records on Consul, as its contrib registry writes them: the version as the tag `version=1.2.3`,
 * the metadata in `Meta` with the weight as a string, and the URL of each endpoint in `TaggedAddresses`
 * under its scheme, which is `https` or `grpcs` with TLS. There is room for one endpoint of each scheme. A
 * service without such addresses is one `http` endpoint for its readers.
 */
export const kratosConsulFormat: WireFormat = serviceDocument({
  name: 'kratos',
  tagsOf: ({ version = '', tags }) => [`${versionTag}${version}`, ...tags],
  entriesOf: ({ weight }) => weightEntry(weight),
  schemes: [],
  taggedAddresses: (endpoints) => {
    const byScheme = new Map<string, { Address: string; Port: number }>()
    for (const endpoint of endpoints) {
      const address = addressOf(endpoint)
      if (address && !byScheme.has(address.scheme))
        byScheme.set(address.scheme, { Address: endpoint, Port: address.port })
    }
    return Object.fromEntries(byScheme)
  },
  foreign: ({ tags, metadata, address, port, taggedAddresses }) => {
    const version = tags.findLast((tag) => tag.startsWith(versionTag))?.slice(versionTag.length)
    const urls = Object.values(taggedAddresses).map(({ Address }) => Address)
    const plain = address !== '' && port !== 0 ? [`http://${urlHost(address)}:${port}`] : []
    return {
      tags: tags.filter((tag) => !tag.startsWith(versionTag)),
      endpoints: urls.length > 0 ? urls : plain,
      ...takeWeight(metadata),
      ...(version ? { version } : {}),
    }
  },
  refusal: ({ tags }) => {
    const taken = tags.find((tag) => tag.startsWith(versionTag))
    return (
      taken &&
      `its tag ${JSON.stringify(taken)} is a version for Kratos; set the version of the instance`
    )
  },
})
