import type { LiveSocket } from '@/components/live/client.ts'
import type {
  Answer,
  ServerToClient,
  Size,
  TerminalOpened,
  TerminalRequest,
} from '@/server/live/protocol.ts'
import { chunkText } from './paste.ts'

/** The part of the live socket that terminals use. */
export type TerminalSocket = Pick<LiveSocket, 'connected' | 'emit' | 'on' | 'off'>

export type LinkState =
  | { phase: 'idle' }
  | { phase: 'opening' }
  | { phase: 'open' }
  | { phase: 'reconnecting' }
  /** `exitCode` null: not known. `failed`: it never opened. */
  | { phase: 'ended'; exitCode: number | null; message: string | null; failed?: boolean }

export interface LinkEvents {
  output: (data: Uint8Array) => void
  /** What is on the screen comes again from the server. */
  reset: () => void
  opened: (opened: TerminalOpened) => void
  state: (state: LinkState) => void
}

/** What is typed goes out at once; more than this is a paste and goes piece by piece, each when the last was taken. */
const TYPED_CHARS = 512
/** Ctrl+C: what a paste still holds back is not wanted any more. */
const INTERRUPT = '\x03'

/**
 * One terminal session as the browser sees it.
 *
 *     open ──ack──► open ──(socket lost)──► reconnecting ──join──► open
 *                    │                            └─(session gone)──► ended
 *                    └──terminal:end──► ended ──open (again)──► …
 */
export class TerminalLink {
  state: LinkState = { phase: 'idle' }
  session: string | null
  readonly #socket: TerminalSocket
  readonly #events: LinkEvents
  #size: Size
  #request: Omit<TerminalRequest, 'size'> | null = null
  /** Output that came before the answer to `open` said which session is ours. */
  #early: [string, Uint8Array][] = []
  #earlyEnds: [string, Parameters<ServerToClient['terminal:end']>[1]][] = []
  #resetDue = false
  #queue: string[] = []
  #sending = false

  constructor(
    socket: TerminalSocket,
    size: Size,
    events: LinkEvents,
    session: string | null = null,
  ) {
    this.#socket = socket
    this.#size = size
    this.#events = events
    this.session = session
    socket.on('terminal:output', this.#onOutput)
    socket.on('terminal:end', this.#onEnd)
    socket.on('connect', this.#onConnect)
    socket.on('disconnect', this.#onDisconnect)
  }

  /** Begins a session, also anew after one has ended. */
  open(request: Omit<TerminalRequest, 'size'>): void {
    this.#request = request
    this.session = null
    this.#early = []
    this.#earlyEnds = []
    this.#set({ phase: 'opening' })
    if (this.#socket.connected) this.#sendOpen(request)
  }

  /** Takes up a session of before. */
  join(): void {
    this.#set({ phase: 'reconnecting' })
    if (this.#socket.connected) this.#sendJoin()
  }

  /** Sends what was typed or pasted; while the connection is away it is dropped, not done later unseen. */
  input(text: string): void {
    if (this.state.phase !== 'open') return
    if (text === INTERRUPT) this.#queue = []
    if (
      this.session !== null &&
      (text === INTERRUPT || (!this.#sending && text.length <= TYPED_CHARS))
    ) {
      this.#socket.emit('terminal:input', this.session, text)
      return
    }
    this.#queue.push(...chunkText(text))
    if (!this.#sending) this.#pump()
  }

  resize(size: Size): void {
    if (size.rows === this.#size.rows && size.cols === this.#size.cols) return
    this.#size = size
    if (this.state.phase === 'open' && this.session !== null) {
      this.#socket.emit('terminal:resize', this.session, size)
    }
  }

  /** Ends the session on the server too. */
  close(): void {
    if (this.session !== null && this.state.phase !== 'ended') {
      this.#socket.emit('terminal:close', this.session)
    }
    this.dispose()
  }

  /** Lets go of the socket; the session lives on. */
  dispose(): void {
    this.#queue = []
    this.#socket.off('terminal:output', this.#onOutput)
    this.#socket.off('terminal:end', this.#onEnd)
    this.#socket.off('connect', this.#onConnect)
    this.#socket.off('disconnect', this.#onDisconnect)
  }

  #sendOpen(request: Omit<TerminalRequest, 'size'>): void {
    this.#socket.emit('terminal:open', { ...request, size: this.#size }, (answer) => {
      if (this.state.phase !== 'opening' || request !== this.#request) {
        // Meanwhile something else was asked for: nobody will use this one.
        if (answer.ok) this.#socket.emit('terminal:close', answer.value.session)
        return
      }
      this.#answered(answer)
    })
  }

  #sendJoin(): void {
    const session = this.session
    if (session === null) return
    this.#resetDue = true
    this.#socket.emit('terminal:join', session, this.#size, (answer) => {
      if (session !== this.session || this.state.phase === 'ended') return
      if (answer.ok) this.#reset()
      this.#resetDue = false
      this.#answered(answer)
    })
  }

  #answered(answer: Answer<TerminalOpened>): void {
    if (!answer.ok) {
      if (this.session === null) {
        this.#set({ phase: 'ended', exitCode: null, message: answer.message, failed: true })
      } else {
        const message = answer.code === 'NOT_FOUND' ? null : answer.message
        this.#set({ phase: 'ended', exitCode: null, message })
      }
      return
    }
    const { session } = answer.value
    this.session = session
    this.#events.opened(answer.value)
    this.#set({ phase: 'open' })
    for (const [of, data] of this.#early) if (of === session) this.#events.output(data)
    this.#early = []
    const end = this.#earlyEnds.find(([of]) => of === session)
    if (end) this.#onEnd(...end)
  }

  #pump(): void {
    const piece = this.#queue.shift()
    this.#sending = piece !== undefined
    if (piece === undefined || this.session === null) return
    const { session } = this
    this.#socket.emit('terminal:input', session, piece, (taken) => {
      if (!taken || session !== this.session) this.#queue = []
      this.#pump()
    })
  }

  #reset(): void {
    if (!this.#resetDue) return
    this.#resetDue = false
    this.#events.reset()
  }

  readonly #onOutput = (session: string, data: Uint8Array | ArrayBuffer): void => {
    const bytes = data instanceof Uint8Array ? data : new Uint8Array(data)
    if (session === this.session) {
      this.#reset()
      this.#events.output(bytes)
    } else if (this.state.phase === 'opening') this.#early.push([session, bytes])
  }

  readonly #onEnd = (session: string, end: Parameters<ServerToClient['terminal:end']>[1]): void => {
    if (session === this.session) {
      this.#set({ phase: 'ended', exitCode: end.exitCode, message: end.message ?? null })
    } else if (this.state.phase === 'opening') this.#earlyEnds.push([session, end])
  }

  readonly #onConnect = (): void => {
    if (this.state.phase === 'opening' && this.#request) this.#sendOpen(this.#request)
    else if (this.state.phase === 'reconnecting') this.#sendJoin()
  }

  readonly #onDisconnect = (): void => {
    // What was not acknowledged may or may not have arrived: the rest of a paste must not follow it blindly.
    this.#queue = []
    this.#sending = false
    if (this.state.phase === 'open') this.#set({ phase: 'reconnecting' })
  }

  #set(state: LinkState): void {
    this.state = state
    this.#events.state(state)
  }
}
