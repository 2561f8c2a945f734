import type { RegistryCheck } from '@/engine/contract/distribution.ts'

type Outcome = RegistryCheck['outcome']

/** What came of trying a registry: in a word for lists, and what to do next. */
export const checkWords: Record<Outcome, { short: string; title: string; next: string }> = {
  ok: { short: 'Works', title: 'It works', next: '' },
  'unknown-host': {
    short: 'Name not found',
    title: 'The name leads to no address',
    next: 'Look at the spelling, and at this host’s DNS.',
  },
  unreachable: {
    short: 'No answer',
    title: 'Nothing answers there',
    next: 'Is it running, is the port right, and does a firewall or a proxy stand between?',
  },
  certificate: {
    short: 'Certificate',
    title: 'Its certificate is not trusted',
    next: 'When it comes from an authority of your own, give that on the registry’s Connection page. It also has to be for this name, and not be over.',
  },
  'plain-http': {
    short: 'Speaks http',
    title: 'It speaks http, where https is wanted',
    next: 'Let it speak https, or list it in GANTRY_INSECURE_REGISTRIES and start Gantry again.',
  },
  unauthorized: {
    short: 'Refused',
    title: 'It does not accept these credentials',
    next: 'Enter the password or token anew: it may be wrong, expired or revoked.',
  },
  'rate-limit': {
    short: 'Rate limit',
    title: 'It asks us to slow down',
    next: 'Too many requests came from this address: sign in for a higher limit, or wait.',
  },
  'no-registry': {
    short: 'No registry',
    title: 'Something answers, but it is no registry',
    next: 'The address should be the registry’s own, as in image names; not that of its web pages.',
  },
  failed: { short: 'Failed', title: 'It could not be tried', next: '' },
}
