import Database from 'libsql'
import { createHash, randomUUID } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { ConflictError } from '../engine/errors.ts'

/** As Prisma's own CLI makes it, so that `prisma migrate status` agrees with us. */
const TABLE = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
    "id"                    TEXT PRIMARY KEY NOT NULL,
    "checksum"              TEXT NOT NULL,
    "finished_at"           DATETIME,
    "migration_name"        TEXT NOT NULL,
    "logs"                  TEXT,
    "rolled_back_at"        DATETIME,
    "started_at"            DATETIME NOT NULL DEFAULT current_timestamp,
    "applied_steps_count"   INTEGER UNSIGNED NOT NULL DEFAULT 0
)`

/**
 * Brings a database file up to date: applies each `<directory>/<name>/migration.sql` that it has not seen, in the
 * order of their names, each in a transaction with its row in `_prisma_migrations`.
 *
 * @returns the names applied now
 * @throws CONFLICT when a migration applied earlier was changed since, or the file is from a newer Gantry
 */
export function migrate(file: string, directory: string): string[] {
  const db = new Database(file)
  try {
    // Readers go on while one writes; a second process waits instead of failing.
    db.exec('PRAGMA journal_mode = WAL')
    db.exec('PRAGMA busy_timeout = 5000')
    db.exec(TABLE)
    const applied = new Map<string, string>()
    const rows = db
      .prepare(
        'SELECT migration_name, checksum FROM _prisma_migrations WHERE rolled_back_at IS NULL AND finished_at IS NOT NULL',
      )
      .all() as { migration_name: string; checksum: string }[]
    for (const row of rows) applied.set(row.migration_name, row.checksum)

    const done: string[] = []
    for (const { name, sql, checksum } of readMigrations(directory)) {
      const before = applied.get(name)
      applied.delete(name)
      if (before === checksum) continue
      if (before !== undefined) {
        throw new ConflictError(
          `the database migration ${name} was changed after it was applied to ${file}`,
        )
      }
      apply(db, name, sql, checksum)
      done.push(name)
    }
    const [unknown] = applied.keys()
    if (unknown !== undefined) {
      throw new ConflictError(
        `${file} was made by a newer Gantry (it has the migration ${unknown}): update this one`,
      )
    }
    return done
  } finally {
    db.close()
  }
}

function readMigrations(directory: string): { name: string; sql: string; checksum: string }[] {
  return fs
    .readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort()
    .map((name) => {
      const sql = fs.readFileSync(path.join(directory, name, 'migration.sql'), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    })
}

function apply(db: Database.Database, name: string, sql: string, checksum: string): void {
  const started = new Date().toISOString()
  db.exec('BEGIN IMMEDIATE')
  try {
    db.exec(sql)
    db.prepare(
      `INSERT INTO _prisma_migrations (id, checksum, started_at, finished_at, migration_name, applied_steps_count)
       VALUES (?, ?, ?, ?, ?, 1)`,
    ).run(randomUUID(), checksum, started, new Date().toISOString(), name)
    db.exec('COMMIT')
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}
