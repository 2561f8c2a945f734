import { createRequire } from 'node:module'
import type { AxeResults, ElementContext, RunOptions } from 'axe-core'
import type { Page } from 'playwright-core'

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js')

/** What the console promises: WCAG 2.1, levels A and AA. */
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']

declare global {
  interface Window {
    axe: { run: (where: ElementContext, options: RunOptions) => Promise<AxeResults> }
  }
}

/** Has whatever is loaded into the page from now on bring axe along; no content security policy stops what the browser adds. */
export async function bringAxe(page: Page): Promise<void> {
  await page.addInitScript({ path: AXE })
}

/**
 * What axe finds against WCAG 2.1 AA on the page as it stands, once it has stopped moving.
 *
 * @param options.within a selector: only there
 * @param options.rules only these, by their names, instead of all
 * @returns a line for each element: the rule, where it is, and what is wrong
 */
export async function faultsOf(
  page: Page,
  options: { within?: string; rules?: string[] } = {},
): Promise<string[]> {
  await page.evaluate(() =>
    Promise.allSettled(
      document
        .getAnimations()
        .filter((one) => one.effect?.getComputedTiming().endTime !== Infinity)
        .map((one) => one.finished),
    ),
  )
  return page.evaluate(
    async ([where, run]) => {
      const { incomplete, violations } = await window.axe.run(where, run)
      // A name on what has no role is read by some and not by others: axe is not sure, and it is not good enough.
      const unsure = incomplete.filter(({ id }) => id === 'aria-prohibited-attr')
      return [...violations, ...unsure].flatMap(({ id, nodes }) =>
        nodes.map(({ all, any, html, none }) => {
          const why = [...any, ...all, ...none].map(({ message }) => message).join('; ')
          return `${id}: ${html.slice(0, 300)}: ${why}`
        }),
      )
    },
    [
      options.within ?? 'html',
      {
        runOnly: options.rules ?? WCAG,
        resultTypes: ['violations', 'incomplete'],
        // An element is known by its HTML; to find a selector for each takes most of the time.
        selectors: false,
      },
    ] as [string, RunOptions],
  )
}
