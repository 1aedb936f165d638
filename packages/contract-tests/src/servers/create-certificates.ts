import { webcrypto } from 'node:crypto'

/** A certificate and its key, as PEM texts. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** An authority and the certificates that it has signed. */
export interface Certificates {
  /** The authority's own certificate, PEM. */
  readonly ca: string
  /** For servers on 127.0.0.1 and localhost. */
  readonly server: Certificate
  /** For a client with the requested common name, which etcd uses as the user's name. */
  readonly client: Certificate
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 24 * 60 * 60 * 1_000

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])

const validity = (expired = false): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(Date.now() - 2 * dayMs),
  notAfter: new Date(Date.now() + (expired ? -dayMs : 2 * dayMs)),
})

/**
 * Creates a new authority, and a server's and a client's certificate signed by it; valid for two days,
 * or until a day ago if `expired`. `clientName` is the client's common name. All keys are ECDSA P-256.
 */
export async function createCertificates(
  clientName = 'root',
  { expired = false }: { readonly expired?: boolean } = {},
): Promise<Certificates> {
  // Imported on first use, as it changes a global: tsyringe, a dependency of x509, requires
  // reflect-metadata to be loaded first.
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  const pemOf = async (key: webcrypto.CryptoKey): Promise<string> =>
    x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
  const authorityKeys = await newKeys()
  const authority = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=test-ca',
    keys: authorityKeys,
    signingAlgorithm: algorithm,
    ...validity(),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign,
        true,
      ),
    ],
  })
  const extensions = [
    new x509.SubjectAlternativeNameExtension([
      { type: 'ip', value: '127.0.0.1' },
      { type: 'dns', value: 'localhost' },
    ]),
    // etcd's own gateway presents the server's certificate as a client's: it must be valid for both
    new x509.ExtendedKeyUsageExtension([
      x509.ExtendedKeyUsage.serverAuth,
      x509.ExtendedKeyUsage.clientAuth,
    ]),
  ]
  const sign = async (commonName: string): Promise<Certificate> => {
    const keys = await newKeys()
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${commonName}`,
      issuer: authority.subject,
      publicKey: keys.publicKey,
      signingKey: authorityKeys.privateKey,
      signingAlgorithm: algorithm,
      ...validity(expired),
      extensions,
    })
    return { cert: certificate.toString('pem'), key: await pemOf(keys.privateKey) }
  }
  return {
    ca: authority.toString('pem'),
    server: await sign('server'),
    client: await sign(clientName),
  }
}
