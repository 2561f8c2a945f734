import { Server } from 'socket.io'
import { z } from 'zod'
import { InvalidParameterError } from '../../engine/errors.ts'
import { readCookie, sessionCookieName } from '../auth/cookie.ts'
import { isSameOrigin } from '../auth/same-origin.ts'
import type { Context } from '../context.ts'
import { errorMessage } from '../errors.ts'
import { answer } from './answer.ts'
import { Hub, MERGE } from './hub.ts'
import { type LiveSocket, Outbox, type SocketData } from './outbox.ts'
import type { ClientToServer, ServerToClient, TopicName } from './protocol.ts'
import { Terminals } from './terminals.ts'
import type { Change } from './topic.ts'

/** Larger messages close the connection; pastes come in chunks. */
const MAX_MESSAGE_BYTES = 1024 * 1024
/** One page needs about five. */
const MAX_TOPICS = 64
const SESSION_CHECK_MS = 30_000

export interface Live {
  io: Server<ClientToServer, ServerToClient, Record<string, never>, SocketData>
  hub: Hub
  terminals: Terminals
  close(): Promise<void>
}

/** The live layer; `io.attach(server)` opens it. */
export async function createLive(
  context: Pick<Context, 'engine' | 'jobs' | 'env' | 'sessions' | 'db'>,
): Promise<Live> {
  const cookieName = sessionCookieName(context.env.port)
  const io: Live['io'] = new Server({
    path: '/live',
    serveClient: false,
    // Other paths' upgrades (Docker API, hot reload) are not ours to destroy.
    destroyUpgrade: false,
    maxHttpBufferSize: MAX_MESSAGE_BYTES,
    // Shorter than the idle cuts of common proxies.
    pingInterval: 20_000,
    pingTimeout: 20_000,
    allowRequest: (request, allow) => {
      allow(isSameOrigin(request.headers) ? null : 'another origin', isSameOrigin(request.headers))
    },
  })
  const hub = new Hub(context)
  const terminals = new Terminals(context)
  await terminals.restore()

  io.use((socket, next) => {
    context.sessions.find(readCookie(socket.handshake.headers.cookie, cookieName)).then(
      (session) => {
        if (!session) {
          next(new Error('Unauthorized: sign in first.'))
          return
        }
        socket.data = {
          sessionId: session.id,
          userId: session.user.id,
          userName: session.user.name,
        }
        next()
      },
      (error: unknown) => {
        next(new Error(errorMessage(error)))
      },
    )
  })
  io.on('connection', (socket) => {
    const outbox = new Outbox(socket)
    serveTopics(socket, outbox, hub)
    terminals.serve(socket, outbox)
  })

  const stopListening = context.sessions.onEnd((sessionId) => {
    for (const socket of io.sockets.sockets.values()) {
      if (socket.data.sessionId === sessionId) socket.disconnect(true)
    }
    terminals.endSession(sessionId)
  })
  // An idle browser's session runs out without any request that would notice.
  const checker = setInterval(() => {
    const ids = new Set([...io.sockets.sockets.values()].map((socket) => socket.data.sessionId))
    // findById ends what has expired, which disconnects it.
    for (const id of ids) context.sessions.findById(id).catch(() => undefined)
  }, SESSION_CHECK_MS)
  checker.unref()

  return {
    io,
    hub,
    terminals,
    close: async () => {
      clearInterval(checker)
      stopListening()
      terminals.close()
      hub.close()
      io.disconnectSockets(true)
      // Only the engine below the sockets: the HTTP server is the caller's.
      io.engine?.close()
      await Promise.resolve()
    },
  }
}

const topicSchema = z.enum(Object.keys(MERGE) as [TopicName, ...TopicName[]])
const argumentSchema = z.string().max(128)

function serveTopics(socket: LiveSocket, outbox: Outbox, hub: Hub): void {
  // Of each key the newest: what comes next waits for it, so that no two joinings of one key overlap.
  const joined = new Map<string, Promise<() => void>>()

  async function subscribe<T extends TopicName>(topic: T, argument: string): Promise<unknown> {
    const key = `${topic} ${argument}`
    const before = joined.get(key)
    if (before === undefined && joined.size >= MAX_TOPICS)
      throw new InvalidParameterError('Too many topics at once.')
    let waiting: Change<T> | undefined
    let live = true
    let answered = false
    const send = (): void => {
      if (waiting === undefined || !live) return
      const sending = waiting
      waiting = undefined
      socket.emit('topic', topic, argument, sending)
    }
    const join = async (): ReturnType<typeof hub.join<T>> => {
      const leave = await before
      leave?.()
      return hub.join(topic, argument, (change) => {
        if (!live) return
        waiting = waiting === undefined ? change : MERGE[topic](waiting, change)
        if (answered) outbox.whenFree(key, send)
      })
    }
    const joining = join()
    const leaving = joining.then(
      ({ leave }) =>
        () => {
          live = false
          outbox.forget(key)
          leave()
        },
      () => () => undefined,
    )
    joined.set(key, leaving)
    try {
      const { snapshot } = await joining
      // Changes wait until the acknowledgement with the snapshot is on its way: some promises further.
      setImmediate(() => {
        answered = true
        if (waiting !== undefined) outbox.whenFree(key, send)
      })
      return snapshot
    } catch (error) {
      if (joined.get(key) === leaving) joined.delete(key)
      throw error
    }
  }

  async function unsubscribe(key: string): Promise<void> {
    const leaving = joined.get(key)
    if (leaving === undefined) return
    const left = leaving.then((leave) => {
      leave()
      return () => undefined
    })
    joined.set(key, left)
    await left
    if (joined.get(key) === left) joined.delete(key)
  }

  socket.on('subscribe', (topic, argument, ack) => {
    void answer(ack, () => {
      if (!socket.connected) throw new InvalidParameterError('The connection is gone.')
      return subscribe(topicSchema.parse(topic), argumentSchema.parse(argument))
    })
  })
  socket.on('unsubscribe', (topic, argument) => {
    void unsubscribe(`${String(topic)} ${String(argument)}`)
  })
  socket.on('disconnect', () => {
    for (const key of [...joined.keys()]) void unsubscribe(key)
  })
}
