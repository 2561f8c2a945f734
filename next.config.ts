import type { NextConfig } from 'next'

const config: NextConfig = {
  reactStrictMode: true,
  poweredByHeader: false,
  // The engine, the database and everything native live in the server's own bundle, reached by server/context.ts.
  serverExternalPackages: ['libsql', '@prisma/client', '@prisma/adapter-libsql'],
  devIndicators: false,
  // `npm test` checks the types of everything; a build on someone's server need not.
  typescript: { ignoreBuildErrors: true },
}

export default config
