import type { Locator } from 'playwright-core'
import type { ConsolePage } from './console-page.ts'

/** What tests do on the Files tab of the container `app`. */
export class FilesPage {
  readonly #console: ConsolePage

  constructor(console: ConsolePage) {
    this.#console = console
  }

  get table(): Locator {
    return this.#console.page.getByRole('table')
  }

  entry(name: string): Locator {
    return this.table.getByRole('link', { name, exact: true })
  }

  async open(where: string): Promise<void> {
    await this.#console.goto(`/containers/app/files?path=${encodeURIComponent(where)}`)
  }

  /** Of the menu beside a file. */
  async choose(name: string, action: string): Promise<void> {
    const { page } = this.#console
    await page.getByRole('button', { name: `Actions for ${name}` }).click()
    await page.getByRole('menuitem', { name: action }).click()
  }

  inContainer(script: string): Promise<string> {
    return this.#console.inContainer('app', script)
  }
}
