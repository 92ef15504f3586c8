/** Whose word counts about where a request came from. */
import type ipaddr from 'ipaddr.js';
import { messageOf, OptionError } from '../errors.js';
import { optionalPackage } from '../rx/optional-package.js';

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

/** Proxies that are believed, and how they write addresses. */
export interface TrustedProxies {
  /** @param address - Of a peer; empty for one without an address. */
  isTrusted(address: string): boolean;
  /** An address as a proxy may write it: brackets and a port are taken off. `undefined` for what is none. */
  addressFrom(text: string): string | undefined;
}

/**
 * @param who - What asks, as its user calls it.
 * @throws {@link OptionError} for what is no address, network or name, and where the package `ipaddr.js` is missing.
 */
export const trustedProxies = (who: string, proxies: readonly string[] = ['loopback', 'unix']): TrustedProxies => {
  if (!Array.isArray(proxies)) throw new OptionError('proxies', `is ${messageOf(proxies)}, must be a list`);
  const addresses = optionalPackage<typeof ipaddr>('ipaddr.js', who);
  const networks = proxies
    .filter((name) => name !== 'unix')
    .flatMap((name) => (name === 'loopback' ? LOOPBACK : [name]))
    .map((text) => networkFrom(text, addresses));
  const trustsUnix = proxies.includes('unix');
  return {
    isTrusted: (text) => {
      if (text === '') return trustsUnix;
      if (!addresses.isValid(text)) return false;
      const address = addresses.process(text); // ::ffff:10.0.0.1 is 10.0.0.1
      return networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits));
    },
    addressFrom: (text) => {
      const match = /^\[([^\]]+)\](?::\d+)?$|^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(text);
      const address = match === null ? text : (match[1] ?? match[2]);
      return addresses.IPv4.isValidFourPartDecimal(address) || addresses.IPv6.isValid(address) ? address : undefined;
    },
  };
};

const LOOPBACK = ['127.0.0.0/8', '::1/128'];

const networkFrom = (text: string, addresses: typeof ipaddr): [ipaddr.IPv4 | ipaddr.IPv6, number] => {
  try {
    const bare = text.replace(/\/.*$/, '');
    if (!addresses.IPv6.isValid(bare) && !addresses.IPv4.isValidFourPartDecimal(bare)) throw new Error('is none'); // `10/8`, `0x0a000001`
    if (text !== bare) return addresses.parseCIDR(text);
    const address = addresses.process(text);
    return [address, address.kind() === 'ipv4' ? 32 : 128];
  } catch {
    throw new OptionError('proxies', `has ${JSON.stringify(text)}, which is neither an address nor a network`);
  }
};
