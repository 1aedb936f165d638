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

/** URLs of a file: `sqlite:` for the default, or an absolute path: `sqlite:///var/lib/sd.db`. */
export const pathGrammar = (): UrlGrammar<{ path?: string; namespace?: string }> => ({
  form: '[///path]',
  query: { namespace: 'text' },
  read: (location, query) => {
    const { text, at } = location
    const namespace = query.get('namespace')
    const rest = typeof namespace === 'string' ? { namespace } : {}
    if (text === '') return rest
    if (!/^\/\/\/[^/]/.test(text) || text.endsWith('/'))
      throw urlProblem(
        at,
        'expected nothing, or three slashes and the path of a file: ///var/lib/sd.db',
      )
    const path = decodePiece({ text: text.slice(2), at: at + 2 }, 'path')
    // on Windows the drive follows the slash
    return { path: path.replace(/^\/(?=[A-Za-z]:\/)/, ''), ...rest }
  },
})
