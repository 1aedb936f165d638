// tsyringe, which x509 is built on, wants it before anything else
import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  X509CertificateGenerator,
} from '@peculiar/x509'

/** A certificate and its key, as PEM texts. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** An authority and what it has signed. */
export interface Certificates {
  /** The authority's own certificate, PEM. */
  readonly ca: string
  /** For servers on 127.0.0.1 and localhost. */
  readonly server: Certificate
  /** For a client whose common name is as asked for: etcd takes it for the user's name. */
  readonly client: Certificate
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 24 * 60 * 60 * 1_000

const newKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])

const validity = (): { notBefore: Date; notAfter: Date } => ({
  notBefore: new Date(Date.now() - dayMs),
  notAfter: new Date(Date.now() + 2 * dayMs),
})

const pemOf = async (key: webcrypto.CryptoKey): Promise<string> =>
  PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')

/** Creates a new authority, a server's and a client's certificate. */
export async function createCertificates(clientName = 'root'): Promise<Certificates> {
  const authorityKeys = await newKeys()
  const authority = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=test-ca',
    keys: authorityKeys,
    signingAlgorithm: algorithm,
    ...validity(),
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  })
  const extensions: Extension[] = [
    new SubjectAlternativeNameExtension([
      { type: 'ip', value: '127.0.0.1' },
      { type: 'dns', value: 'localhost' },
    ]),
    // etcd's own gateway shows the server's certificate as a client's: it must do for both
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth]),
  ]
  const sign = async (commonName: string): Promise<Certificate> => {
    const keys = await newKeys()
    const certificate = await X509CertificateGenerator.create({
      subject: `CN=${commonName}`,
      issuer: authority.subject,
      publicKey: keys.publicKey,
      signingKey: authorityKeys.privateKey,
      signingAlgorithm: algorithm,
      ...validity(),
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
