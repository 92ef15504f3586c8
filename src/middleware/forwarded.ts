/** Who asked whom for what, as the proxies in between say: RFC 7239, and the `x-forwarded-` fields that came before it. */
import { messageOf, OptionError } from '../errors.js';
import { isAuthority, splitAuthority } from '../protocol/grammar.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { knownOptions } from '../rx/number-option.js';
import { extend, type HttpRequest } from '../rx/request.js';
import { forwardedElements } from './forwarded-elements.js';
import { passThrough } from './map-response.js';
import type { ForwardedHost } from './request-url.js';
import { type TrustedProxies, trustedProxies } from './trusted-proxies.js';

/** Options of {@link forwarded}. */
export interface ForwardedTrust {
  /** Addresses and networks of the proxies, as `['10.0.0.0/8', '::1']`; also `loopback` and `unix`. There is no default. */
  readonly trust: readonly string[];
  /**
   * The fields that these proxies write: `x-forwarded` for `x-forwarded-for`, `-proto`, `-host` and `-port`, or `forwarded`. Default
   * `x-forwarded`. The others are ignored, as any client can send what no proxy replaces.
   */
  readonly fields?: 'x-forwarded' | 'forwarded' | undefined;
}

/** What one proxy says of the request that it got. */
interface Hop {
  readonly for: string | undefined;
  readonly proto: string | undefined;
  readonly host: string | undefined;
  readonly port: string | undefined;
}

/**
 * Takes `remoteAddr`, `scheme`, `serverName` and `serverPort` from what trusted proxies say, from the nearest one on, as far as
 * each is trusted. `remoteAddr` becomes the first address that is not trusted, or the last that is known: `unknown` and names
 * that hide an address (`_secret`) end the chain. Fields that are malformed count as not there.
 *
 * Middleware inside of it takes the host from there, too: `absoluteRedirects`, `antiForgery`, `sslRedirect`.
 *
 * A proxy must write or remove each of its fields: one that it passes on was written by the client.
 *
 * @throws {@link OptionError} for an address or network that is none.
 * @example `forwarded({ trust: ['loopback', '10.0.0.0/8'] })(handler)`
 */
export const forwarded = (options: ForwardedTrust): Middleware => {
  knownOptions(options, ['trust', 'fields']);
  const { trust, fields = 'x-forwarded' } = options;
  if (!Array.isArray(trust)) throw new OptionError('trust', `is ${messageOf(trust)}, must be a list of addresses and networks`);
  if (fields !== 'x-forwarded' && fields !== 'forwarded') {
    throw new OptionError('fields', `is ${messageOf(fields)}, must be x-forwarded or forwarded`);
  }
  const proxies = trustedProxies('forwarded', trust);
  const hopsOf = fields === 'forwarded' ? standardHops : customaryHops;
  return function forwarded(handler: Handler): Handler {
    return passThrough(handler, (request) => {
      if (!proxies.isTrusted(request.remoteAddr)) return {};
      const known = knownFrom(hopsOf(request), request.remoteAddr, proxies);
      return { request: extend(request, fieldsFrom(known, request)) };
    });
  };
};

/** Follows the chain; what a trusted proxy says of itself replaces what one nearer to us has said. */
const knownFrom = (hops: Iterable<Hop>, nearest: string, proxies: TrustedProxies): Hop & { readonly address: string } => {
  let address = nearest;
  let known: Hop = NOTHING;
  for (const hop of hops) {
    known = { for: hop.for, proto: hop.proto ?? known.proto, host: hop.host ?? known.host, port: hop.port ?? known.port };
    const before = hop.for === undefined ? undefined : proxies.addressFrom(hop.for);
    if (before === undefined) break;
    address = before;
    if (!proxies.isTrusted(address)) break;
  }
  return { ...known, address };
};

const NOTHING: Hop = { for: undefined, proto: undefined, host: undefined, port: undefined };

const fieldsFrom = ({ address, proto, host, port }: Hop & { readonly address: string }, request: HttpRequest): object => {
  const said = proto?.toLowerCase();
  const scheme = said === 'http' || said === 'https' ? said : undefined;
  const place = host !== undefined && host !== '' && isAuthority(host) ? splitAuthority(host) : undefined;
  // A proxy that keeps the host field, keeps the client's port in it.
  const named = portFrom(port) ?? (place ?? splitAuthority(request.headers['host'] ?? '')).port;
  const byDefault = (scheme ?? request.scheme) === 'https' ? 443 : 80;
  const hostName = place?.host ?? request.serverName;
  const isNamed = place !== undefined || portFrom(port) !== undefined;
  const added: ForwardedHost = isNamed
    ? { forwardedHost: named === undefined || named === byDefault ? hostName : `${hostName}:${named}` }
    : {};
  return {
    ...added,
    remoteAddr: address,
    scheme: scheme ?? request.scheme,
    serverName: hostName,
    serverPort: named ?? (place === undefined && scheme === undefined ? request.serverPort : byDefault),
  };
};

const portFrom = (text: string | undefined): number | undefined => {
  const port = text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port > 0 && port <= 65_535 ? port : undefined;
};

function* standardHops({ headers }: HttpRequest): Generator<Hop> {
  for (const element of forwardedElements(headers['forwarded'] ?? '')) {
    yield { for: element.get('for'), proto: element.get('proto'), host: element.get('host'), port: undefined };
  }
}

/** Four lists, from their ends; one that is shorter than the addresses was replaced by a proxy, and its first member stands for the rest. */
function* customaryHops({ headers }: HttpRequest): Generator<Hop> {
  const [addresses, protos, hosts, ports] = ['for', 'proto', 'host', 'port'].map((name) => listOf(headers[`x-forwarded-${name}`]));
  const length = Math.max(addresses.length, 1);
  for (let i = 1; i <= length; i++) {
    yield { for: addresses.at(-i), proto: protos.at(-i), host: hosts.at(-i), port: ports.at(-i) };
  }
}

const listOf = (field: string | undefined): string[] => (field === undefined ? [] : field.split(',').map((member) => member.trim()));
