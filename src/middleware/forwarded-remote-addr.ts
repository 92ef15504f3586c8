/** The address of the client behind the proxies. */
import type { Handler, Middleware } from '../rx/handler.js';
import { knownOptions } from '../rx/number-option.js';
import { extend } from '../rx/request.js';
import { passThrough } from './map-response.js';
import { type ForwardedOptions, trustedProxies } from './trusted-proxies.js';

/**
 * Takes `remoteAddr` from `x-forwarded-for`: the last address there that is not that of a trusted proxy. What stands before it was
 * written by the client, and is not believed.
 *
 * Where {@link forwardedScheme} is used too, it has to stand outside of this: it wants the proxy's own address.
 */
export const forwardedRemoteAddr = (options: ForwardedOptions = {}): Middleware => {
  knownOptions(options, ['proxies', 'header']);
  const { isTrusted, addressFrom } = trustedProxies('forwardedRemoteAddr', options.proxies);
  const header = (options.header ?? 'x-forwarded-for').toLowerCase();
  return function forwardedRemoteAddr(handler: Handler): Handler {
    return passThrough(handler, (request) => {
      let remoteAddr = request.remoteAddr;
      const hops = request.headers[header]?.split(',') ?? [];
      while (hops.length > 0 && isTrusted(remoteAddr)) {
        const address = addressFrom((hops.pop() as string).trim()); // not empty, see above
        if (address === undefined) break;
        remoteAddr = address;
      }
      return remoteAddr === request.remoteAddr ? {} : { request: extend(request, { remoteAddr }) };
    });
  };
};
