import type { GrpcStream } from './grpc-client.ts'
import { goModeOf, PACKET_TYPES } from './file-packets.ts'
import { GrpcError } from './grpc-error.ts'
import { PACKET } from './messages.ts'
import type { Stat } from './messages.ts'
import type { SpooledEntry, TreeSpool } from './tree-spool.ts'

/**
 * Sends a tree of files by fsutil's protocol, the other way round than `receiveFiles`: the names of all, then what is
 * asked for.
 *
 * @throws what the receiver says went wrong
 */
export async function sendFiles(
  stream: GrpcStream,
  tree: TreeSpool,
  told: (bytes: number) => void,
): Promise<void> {
  const send = async (packet: Parameters<typeof PACKET.encode>[0]): Promise<void> => {
    const bytes = PACKET.encode(packet)
    told(bytes.length)
    await stream.send(bytes)
  }
  // names go out while requests come in: neither waits for the other
  const names = (async () => {
    for (const entry of tree.entries) await send({ type: PACKET_TYPES.STAT, stat: statOf(entry) })
    await send({ type: PACKET_TYPES.STAT })
  })()
  names.catch(() => undefined)
  const asked = (async () => {
    for await (const message of stream.messages()) {
      const { ID, data, type } = PACKET.decode(message)
      if (type === PACKET_TYPES.ERR)
        throw new GrpcError('UNKNOWN', `error from receiver: ${Buffer.from(data).toString()}`)
      if (type === PACKET_TYPES.REQ) {
        const entry = tree.entries[ID]
        if (entry?.header.type !== 'file')
          throw new GrpcError('UNKNOWN', `invalid file id ${String(ID)}`)
        for await (const chunk of tree.read(entry))
          await send({ type: PACKET_TYPES.DATA, ID, data: chunk })
        await send({ type: PACKET_TYPES.DATA, ID })
      } else if (type === PACKET_TYPES.FIN) {
        await send({ type: PACKET_TYPES.FIN })
        stream.end()
      }
    }
  })()
  try {
    await Promise.all([names, asked])
  } finally {
    stream.cancel()
  }
}

function statOf({ header, name }: SpooledEntry): Stat {
  const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
  const isLink = header.type === 'symlink' || header.type === 'link'
  return {
    path: bytes(name),
    mode: goModeOf(header),
    uid: header.uid,
    gid: header.gid,
    size: header.type === 'file' || header.type === 'link' ? header.size : 0,
    modTime: header.mtimeSeconds * 1e9 + header.mtimeNanos,
    linkname: bytes(isLink ? header.linkName : ''),
    devmajor: header.deviceMajor,
    devminor: header.deviceMinor,
    xattrs: Object.fromEntries(header.xattrs),
  }
}
