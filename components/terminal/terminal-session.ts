import { ClipboardAddon } from '@xterm/addon-clipboard'
import { FitAddon } from '@xterm/addon-fit'
import { SearchAddon } from '@xterm/addon-search'
import { WebLinksAddon } from '@xterm/addon-web-links'
import { WebglAddon } from '@xterm/addon-webgl'
import { Terminal } from '@xterm/xterm'
import type { LiveSocket } from '@/components/live/client.ts'
import { copyText } from '@/components/ui/copy-text.ts'
import type { TerminalOpened, TerminalRequest } from '@/server/live/protocol.ts'
import { needsQuestion } from './paste.ts'
import { readPreferences } from './preferences.ts'
import { TerminalLink, type LinkState } from './terminal-link.ts'
import { searchColours, terminalTheme } from './theme.ts'

const SCROLLBACK = 10_000

/** Programs want Tab and Escape themselves, so the keyboard leaves a terminal by this. */
export const LEAVE_KEYS = 'Ctrl+Shift+X'

export interface SessionEvents {
  state: (state: LinkState) => void
  opened: (opened: TerminalOpened) => void
  /** A paste of several lines that a shell would run at once: `go` pastes it. */
  askPaste: (text: string, go: () => void) => void
  /** Ctrl+Shift+F. */
  find: () => void
  /** `LEAVE_KEYS`: the focus is wanted elsewhere. */
  leave: () => void
  found: (results: { index: number; count: number }) => void
}

/**
 * A screen (xterm) on a link. It lives outside React, so that moving between tabs and pages keeps its scrollback:
 * `mount` puts its element into the page, `unmount` takes it out.
 */
export class TerminalSession {
  readonly terminal: Terminal
  readonly link: TerminalLink
  readonly element = document.createElement('div')
  #events: SessionEvents = SILENT
  readonly #fit = new FitAddon()
  readonly #search = new SearchAddon()
  #webgl: WebglAddon | null = null
  #opened = false
  readonly #request: Omit<TerminalRequest, 'size'>

  constructor(socket: LiveSocket, request: Omit<TerminalRequest, 'size'>, session: string | null) {
    this.#request = request
    this.element.className = 'h-full w-full'
    const { fontSize } = readPreferences()
    this.terminal = new Terminal({
      // The search's marks are a "proposed" part of xterm's API.
      allowProposedApi: true,
      cursorBlink: true,
      fontFamily:
        getComputedStyle(document.documentElement).getPropertyValue('--font-mono') || 'monospace',
      fontSize,
      scrollback: SCROLLBACK,
      theme: terminalTheme(),
      linkHandler: { activate: (_, uri) => openLink(uri) },
    })
    this.terminal.loadAddon(this.#fit)
    this.terminal.loadAddon(this.#search)
    this.terminal.loadAddon(new WebLinksAddon((_, uri) => openLink(uri)))
    // A program may fill the clipboard (OSC 52), but never read it.
    this.terminal.loadAddon(
      new ClipboardAddon(undefined, {
        readText: () => '',
        writeText: async (_, text) => void (await copyText(text)),
      }),
    )
    this.link = new TerminalLink(
      socket,
      { rows: this.terminal.rows, cols: this.terminal.cols },
      {
        output: (data) => this.terminal.write(data),
        reset: () => this.terminal.reset(),
        opened: (opened) => this.#events.opened(opened),
        state: (state) => this.#events.state(state),
      },
      session,
    )
    this.terminal.onData((data) => this.link.input(data))
    this.terminal.onBinary((data) => this.link.input(data))
    this.terminal.onResize((size) => this.link.resize(size))
    this.terminal.onSelectionChange(() => {
      const text = this.terminal.getSelection()
      if (text !== '' && readPreferences().copyOnSelect) void copyText(text)
    })
    this.terminal.attachCustomKeyEventHandler((event) => this.#onKey(event))
    this.#search.onDidChangeResults(({ resultIndex, resultCount }) =>
      this.#events.found({ index: resultIndex, count: resultCount }),
    )
    this.element.addEventListener('paste', (event) => this.#onPaste(event), true)
  }

  /** Puts the screen into the page, and begins or joins the session when this is the first time. */
  mount(parent: HTMLElement, events: SessionEvents): void {
    this.#events = events
    parent.append(this.element)
    if (!this.#opened) {
      this.#opened = true
      this.terminal.open(this.element)
      this.terminal.textarea?.setAttribute('aria-label', `Terminal, ${LEAVE_KEYS} leaves it`)
      this.fit()
      if (this.link.session === null) this.link.open(this.#request)
      else this.link.join()
    }
    this.#useWebgl()
    this.fit()
  }

  /** A hidden screen holds no WebGL context: browsers allow sixteen. */
  unmount(): void {
    this.#events = SILENT
    this.#webgl?.dispose()
    this.#webgl = null
    this.element.remove()
  }

  fit(): void {
    if (this.element.clientWidth < 20 || this.element.clientHeight < 20) return
    this.#fit.fit()
  }

  startAgain(): void {
    this.terminal.reset()
    this.link.open(this.#request)
  }

  setFontSize(size: number): void {
    this.terminal.options.fontSize = size
    this.fit()
  }

  refreshTheme(): void {
    this.terminal.options.theme = terminalTheme()
  }

  find(text: string, direction: 1 | -1, options: { regex: boolean; caseSensitive: boolean }): void {
    const settings = { ...options, decorations: searchColours(), incremental: direction === 1 }
    if (text === '') this.#search.clearDecorations()
    else if (direction === 1) this.#search.findNext(text, settings)
    else this.#search.findPrevious(text, settings)
  }

  /** What the whole screen and its scrollback say; WebGL leaves no text in the page to read. */
  text(): string {
    const buffer = this.terminal.buffer.active
    const lines: string[] = []
    for (let i = 0; i < buffer.length; i++) {
      const line = buffer.getLine(i)
      const words = line?.translateToString(true) ?? ''
      if (line?.isWrapped && lines.length > 0) lines[lines.length - 1] += words
      else lines.push(words)
    }
    return lines.join('\n').trimEnd()
  }

  /** Ends the session on the server and lets go of everything. */
  close(): void {
    this.link.close()
    this.#webgl?.dispose()
    this.terminal.dispose()
    this.element.remove()
  }

  #useWebgl(): void {
    if (this.#webgl !== null) return
    try {
      const webgl = new WebglAddon()
      // Lost contexts fall back to xterm's own DOM drawing.
      webgl.onContextLoss(() => {
        webgl.dispose()
        this.#webgl = null
      })
      this.terminal.loadAddon(webgl)
      this.#webgl = webgl
    } catch {
      this.#webgl = null
    }
  }

  /** @returns false for keys that are not for the shell */
  #onKey(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown') return true
    const ctrlShift = event.ctrlKey && event.shiftKey && !event.altKey
    if (ctrlShift && event.code === 'KeyC') {
      event.preventDefault()
      const text = this.terminal.getSelection()
      if (text !== '') void copyText(text)
      return false
    }
    if (ctrlShift && event.code === 'KeyF') {
      event.preventDefault()
      this.#events.find()
      return false
    }
    if (ctrlShift && event.code === 'KeyX') {
      event.preventDefault()
      this.#events.leave()
      return false
    }
    // Nothing takes it any more: it goes on to the buttons below.
    if (event.key === 'Tab' && this.link.state.phase === 'ended') return false
    // The browser pastes by itself; its paste event comes to #onPaste.
    if (ctrlShift && event.code === 'KeyV') return false
    return true
  }

  #onPaste(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData('text/plain') ?? ''
    event.preventDefault()
    event.stopPropagation()
    if (text === '') return
    const go = () => this.terminal.paste(text)
    if (needsQuestion(text, this.terminal.modes.bracketedPasteMode)) this.#events.askPaste(text, go)
    else go()
  }
}

const SILENT: SessionEvents = {
  state: () => {},
  opened: () => {},
  askPaste: (_, go) => go(),
  find: () => {},
  leave: () => {},
  found: () => {},
}

/** Only the web's own addresses: a container may print anything. */
function openLink(uri: string): void {
  if (/^https?:\/\//i.test(uri)) window.open(uri, '_blank', 'noopener,noreferrer')
}
