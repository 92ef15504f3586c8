/** Where a request was sent to, as its client would write it. */
import { splitAuthority } from '../protocol/grammar.js';
import type { HttpRequest } from '../rx/request.js';

/** What {@link forwarded} adds where trusted proxies name a host or a port. */
export interface ForwardedHost {
  /** With its port, unless that is the scheme's own. */
  readonly forwardedHost?: string | undefined;
}

/** The host as the client named it, with the port where it named one. Any client can name any host. */
export const hostOf = (request: HttpRequest): string => {
  const { forwardedHost } = request as ForwardedHost; // asked, not assumed
  return (forwardedHost ?? request.headers['host']) || `${request.serverName}:${request.serverPort}`;
};

/** Without its port. */
export const hostNameOf = (request: HttpRequest): string => splitAuthority(hostOf(request)).host;

/** `https://a.example:8443`; the scheme's own port is left away. */
export const originOf = (request: HttpRequest): string => {
  const { host, port } = splitAuthority(hostOf(request));
  const isOwn = port === undefined || port === (request.scheme === 'https' ? 443 : 80);
  return `${request.scheme}://${host.toLowerCase()}${isOwn ? '' : `:${port}`}`;
};

/** Path and query as sent. */
export const targetOf = ({ uri, queryString }: HttpRequest): string => (queryString === undefined ? uri : `${uri}?${queryString}`);
