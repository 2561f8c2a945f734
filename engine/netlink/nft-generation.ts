import { SystemError } from '../errors.ts'
import { OWN_NETNS } from '../native/net.ts'
import { NETLINK_NETFILTER } from '../native/netlink.ts'
import { decodeAttributes, fixedPart, type Request } from './message.ts'
import { NetlinkSocket } from './socket.ts'

/** NFNL_SUBSYS_NFTABLES in the upper byte. @see linux/netfilter/nf_tables.h */
const NFT_MSG_NEWGEN = 0x0a0f
const NFT_MSG_GETGEN = 0x0a10
const NFTA_GEN_ID = 1

/** struct nfgenmsg: family, version, resource. */
const NFGEN = 4

const REQUEST: Request = {
  what: 'ask for the generation of the nftables rules',
  type: NFT_MSG_GETGEN,
  flags: 0,
  body: Buffer.alloc(NFGEN),
}

/**
 * A number that changes with every change of the nftables of a network namespace, whoever makes it.
 *
 * @param nsfd open on the namespace's file; our own namespace when left out
 *
 * @throws SystemError when the kernel has no nftables, EBADMSG when its answer has no such number
 */
export async function nftGeneration(nsfd = OWN_NETNS): Promise<number> {
  const socket = NetlinkSocket.open(nsfd, NETLINK_NETFILTER)
  try {
    const [messages = []] = await socket.request(REQUEST)
    const answer = messages.find((message) => message.type === NFT_MSG_NEWGEN)
    if (answer !== undefined) fixedPart(answer, NFGEN)
    const id = answer && decodeAttributes(answer.body, NFGEN).get(NFTA_GEN_ID)
    // a number made up here would say for ever that nothing has changed
    if (id === undefined) throw new SystemError('netlink', 74, 'EBADMSG', REQUEST.what)
    // in network byte order, as all of netfilter's numbers
    return id.readUInt32BE(0)
  } finally {
    socket.close()
  }
}
