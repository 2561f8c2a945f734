import type { RegistryCheck } from '@/engine/contract/distribution.ts'
import { Notice } from '@/components/ui/notice.tsx'
import { checkWords } from './check-words.ts'

/** What came of trying a registry: what happened, what was said, and what to do next. */
export function CheckNotice({ check, anonymous }: { check: RegistryCheck; anonymous: boolean }) {
  const { next, title } = checkWords[check.outcome]
  if (check.outcome === 'ok') {
    const isPlain = check.url.startsWith('http:')
    return (
      <Notice kind={isPlain ? 'warning' : 'info'} title={title}>
        {anonymous ? 'It asks for no password. ' : 'It accepts the credentials. '}
        {isPlain &&
          `It speaks http: ${anonymous ? 'images' : 'they'} can be read, and changed, on the way.`}
      </Notice>
    )
  }
  const isNobody = check.outcome === 'unauthorized' && anonymous
  return (
    <Notice title={isNobody ? 'It lets nobody in without a password' : title}>
      <p className="font-mono text-xs break-words">{check.message}</p>
      <p className="mt-1">
        {isNobody ? 'Sign in with a user name and a password or token.' : next}
      </p>
    </Notice>
  )
}
