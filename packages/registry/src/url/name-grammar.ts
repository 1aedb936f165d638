import type { UrlGrammar } from './url-grammar.ts'
import { decodePiece, urlProblem } from './url-piece.ts'

/** URLs without a host: `memory:` or `memory:name`. */
export const nameGrammar = (): UrlGrammar<{ store?: string; namespace?: string }> => ({
  form: '[name]',
  query: { namespace: 'text' },
  read: (location, query) => {
    const slash = location.text.indexOf('/')
    if (slash >= 0)
      throw urlProblem(
        location.at + slash,
        'this backend has no host and no path; expected nothing or a name (a / in it is written %2F)',
      )
    const namespace = query.get('namespace')
    return {
      ...(location.text === '' ? {} : { store: decodePiece(location, 'name') }),
      ...(typeof namespace === 'string' ? { namespace } : {}),
    }
  },
})
