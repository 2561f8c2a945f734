import { PrismaLibSql } from '@prisma/adapter-libsql'
import fs from 'node:fs'
import path from 'node:path'
import { PrismaClient } from '../prisma/generated/client.ts'
import { migrate } from './migrate.ts'
import { PROJECT_ROOT } from './root.ts'

export type Db = PrismaClient

/**
 * Opens the console's database, `<data>/console.db`, made or brought up to date first.
 *
 * Keep to single statements: libsql leaves the connection of an interactive transaction open until its memory is collected,
 * and Prisma makes one of an upsert that updates nothing, too.
 */
export async function openDatabase(dataRoot: string): Promise<Db> {
  fs.mkdirSync(dataRoot, { recursive: true, mode: 0o711 })
  const file = path.join(dataRoot, 'console.db')
  // Password hashes are in it: for root's eyes only, and the -wal and -shm files take their mode from it.
  fs.closeSync(fs.openSync(file, 'a', 0o600))
  migrate(file, path.join(PROJECT_ROOT, 'prisma', 'migrations'))
  const db = new PrismaClient({ adapter: new PrismaLibSql({ url: `file:${file}` }) })
  await db.$executeRawUnsafe('PRAGMA foreign_keys = ON')
  return db
}

/** Whether a row could not be made because another has what only one may have, also when both came at the same moment. */
export function isTaken(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'P2002'
}
