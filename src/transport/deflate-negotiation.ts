/** Which extensions a WebSocket gets: permessage-deflate, where both want it and what the client offers can be kept to. */
import { ProtocolError } from '../errors.js';
import type { UpgradeOptions } from './contracts.js';
import { type DeflateOffer, Parts, type PerMessageDeflate } from './ws-parts.js';

/**
 * Agrees on extensions with the client, RFC 6455 §9.1, RFC 7692 §5.
 *
 * @returns What to answer and what to use; both empty where nothing was agreed on.
 * @throws {@link ProtocolError} `RHK_BAD_HANDSHAKE` for an offer that is malformed.
 */
export const negotiate = (
  { extensions, deflate }: UpgradeOptions,
  maxWs: number,
): { answer: string | undefined; deflate: PerMessageDeflate | null } => {
  const none = { answer: undefined, deflate: null };
  if (extensions === undefined) return none;
  let offers: Record<string, DeflateOffer[]>;
  try {
    offers = Parts.extension.parse(extensions);
  } catch (cause) {
    throw new ProtocolError('RHK_BAD_HANDSHAKE', 'malformed sec-websocket-extensions', { cause });
  }
  const name = Parts.PerMessageDeflate.extensionName;
  const offer = deflate === null ? undefined : offers[name]?.find(isAcceptable);
  if (deflate === null || offer === undefined) return none;
  const perMessageDeflate = new Parts.PerMessageDeflate({ ...deflate, isServer: true, maxPayload: maxWs });
  perMessageDeflate.accept([offer]);
  return { answer: Parts.extension.format({ [name]: [perMessageDeflate.params] }), deflate: perMessageDeflate };
};

/**
 * What an offer may say, RFC 7692 §7.1; any other is declined. A window of 8 bits cannot be kept to: zlib takes 9 for it.
 */
const DEFLATE_PARAMETERS: Readonly<Record<string, (value: string | true) => boolean>> = {
  server_no_context_takeover: (value) => value === true,
  client_no_context_takeover: (value) => value === true,
  server_max_window_bits: (value) => value !== true && /^(?:9|1[0-5])$/.test(value),
  client_max_window_bits: (value) => value === true || /^(?:[89]|1[0-5])$/.test(value),
};

const isAcceptable = (offer: DeflateOffer): boolean =>
  Object.entries(offer).every(
    ([name, values]) => values.length === 1 && Object.hasOwn(DEFLATE_PARAMETERS, name) && DEFLATE_PARAMETERS[name](values[0]),
  );
