import type { RegistryErrorCode } from '../registry-error.ts'

/** A TLS handshake that fails the same way until somebody changes a certificate. */
export interface TlsRefusal {
  /** `invalid-config`: the server's certificate is not accepted. `permission-denied`: the client's. */
  readonly code: Extract<RegistryErrorCode, 'invalid-config' | 'permission-denied'>
  readonly advice: string
}

/** Messages of OpenSSL's `X509_verify_cert_error_string`, and of Node's check of the name. */
const ofServer = new RegExp(
  [
    'unable to (?:verify the first certificate|get (?:local )?issuer certificate)',
    'self[- ]signed certificate',
    'certificate (?:has expired|is not yet valid|revoked|rejected|not trusted|chain too long)',
    // an authority of the same name with another key
    'certificate signature failure',
    'invalid CA certificate',
    'unsuitable certificate purpose',
    "does not match certificate's altnames",
  ].join('|'),
)

/** The alerts about certificates of RFC 8446, section 6.2, as OpenSSL names them. */
const ofClient =
  /alert (?:bad certificate|unsupported certificate|certificate (?:required|revoked|expired|unknown)|unknown ca|access denied)/

/**
 * Whether the text of a failed connection says that one side does not accept the certificate of the
 * other. gRPC passes on no more than the text. Such a failure is not worth a quick retry: a first
 * registration fails with it. Later it is retried near the cap, as certificates are replaced.
 */
export const tlsRefusal = (text: string): TlsRefusal | undefined => {
  if (ofServer.test(text))
    return {
      code: 'invalid-config',
      advice:
        "; check that tls.ca is the authority of the server's certificate, and that the certificate is valid now and for this host",
    }
  if (ofClient.test(text))
    return {
      code: 'permission-denied',
      advice: '; the server does not accept the client certificate: check tls.cert and tls.key',
    }
  return undefined
}
