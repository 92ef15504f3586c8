/** Whose word counts about where a request came from. */
import ipaddr from 'ipaddr.js';
import { messageOf, OptionError } from '../errors.js';

/** Options of {@link forwardedScheme} and {@link forwardedRemoteAddr}. */
export interface ForwardedOptions {
  /**
   * Addresses and networks of the proxies: `['10.0.0.0/8', '::1']`. Also `loopback` (127.0.0.0/8 and ::1) and `unix` (peers without an
   * address). Default `['loopback', 'unix']`. From others the field is ignored.
   */
  readonly proxies?: readonly string[] | undefined;
  /** The field, in any case. */
  readonly header?: string | undefined;
}

/** @throws {@link OptionError} for what is no address, network or name. */
export const trustedProxies = (proxies: readonly string[] = ['loopback', 'unix']): ((address: string) => boolean) => {
  if (!Array.isArray(proxies)) throw new OptionError('proxies', `is ${messageOf(proxies)}, must be a list`);
  const networks = proxies
    .filter((name) => name !== 'unix')
    .flatMap((name) => (name === 'loopback' ? LOOPBACK : [name]))
    .map(networkFrom);
  const trustsUnix = proxies.includes('unix');
  return (text) => {
    if (text === '') return trustsUnix;
    if (!ipaddr.isValid(text)) return false;
    const address = ipaddr.process(text); // ::ffff:10.0.0.1 is 10.0.0.1
    return networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
  };
};

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

const networkFrom = (text: string): [ipaddr.IPv4 | ipaddr.IPv6, number] => {
  try {
    if (text.includes('/')) return ipaddr.parseCIDR(text);
    const address = ipaddr.process(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch {
    throw new OptionError('proxies', `has ${JSON.stringify(text)}, which is neither an address nor a network`);
  }
};

/** An address as a proxy may write it: brackets and a port are taken off. `undefined` for what is none. */
export const addressFrom = (text: string): string | undefined => {
  const match = /^\[([^\]]+)\](?::\d+)?$|^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text);
  const address = match === null ? text : (match[1] ?? match[2]);
  return ipaddr.IPv4.isValidFourPartDecimal(address) || ipaddr.IPv6.isValid(address) ? address : undefined;
};
