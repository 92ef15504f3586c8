/** Ring's defaults: what most sites and most APIs want, as data, and the middleware that it stands for. */
import { OptionError } from '../errors.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { knownOptions } from '../rx/number-option.js';
import { absoluteRedirects, type AbsoluteRedirectsOptions } from './absolute-redirects.js';
import { antiForgery, type AntiForgeryOptions } from './anti-forgery.js';
import { compose } from './compose.js';
import { contentType, type ContentTypeOptions } from './content-type.js';
import { cookies, type CookiesOptions } from './cookies.js';
import { defaultCharset } from './default-charset.js';
import { file } from './file.js';
import { flash } from './flash.js';
import { forwarded, type ForwardedTrust } from './forwarded.js';
import { forwardedRemoteAddr } from './forwarded-remote-addr.js';
import { forwardedScheme } from './forwarded-scheme.js';
import { hsts, type HstsOptions } from './hsts.js';
import { multipartParams, type MultipartParamsOptions } from './multipart-params.js';
import { nestedParams, type NestedParamsOptions } from './nested-params.js';
import { notModified } from './not-modified.js';
import { params, type ParamsOptions } from './params.js';
import { resource } from './resource.js';
import { session, type SessionOptions } from './session.js';
import { sslRedirect, type SslRedirectOptions } from './ssl-redirect.js';
import type { ForwardedOptions } from './trusted-proxies.js';
import { xHeaders, type XHeadersOptions } from './x-headers.js';

/** `true` with the defaults, an object with options, `false` or nothing without. */
export type Switch<Options> = boolean | Options | undefined;

/** What {@link defaults} makes middleware of; in the groups of ring-defaults. */
export interface Defaults {
  readonly params?:
    | {
        readonly urlencoded?: Switch<ParamsOptions>;
        readonly multipart?: Switch<MultipartParamsOptions>;
        readonly nested?: Switch<NestedParamsOptions>;
      }
    | undefined;
  readonly cookies?: Switch<CookiesOptions>;
  /** `flash` besides the options of the session. */
  readonly session?: false | (SessionOptions & { readonly flash?: boolean | undefined }) | undefined;
  readonly security?:
    | (XHeadersOptions & {
        readonly antiForgery?: Switch<AntiForgeryOptions>;
        readonly sslRedirect?: Switch<SslRedirectOptions>;
        readonly hsts?: Switch<HstsOptions>;
      })
    | undefined;
  readonly static?:
    | {
        /** Folders that belong to the code: `new URL('./public/', import.meta.url)`. */
        readonly resources?: URL | readonly URL[] | undefined;
        /** Other folders. */
        readonly files?: string | readonly string[] | undefined;
      }
    | undefined;
  readonly responses?:
    | {
        readonly notModifiedResponses?: boolean | undefined;
        readonly absoluteRedirects?: Switch<AbsoluteRedirectsOptions>;
        readonly contentTypes?: Switch<ContentTypeOptions>;
        readonly defaultCharset?: string | undefined;
      }
    | undefined;
  /**
   * There is a proxy in front. With `trust` all that it says counts, as {@link forwarded} takes it; `true` and `proxies` are Ring's
   * {@link forwardedScheme} and {@link forwardedRemoteAddr}: its `x-forwarded-proto` and `x-forwarded-for`.
   */
  readonly proxy?: Switch<ForwardedTrust | ForwardedOptions>;
}

const GROUPS = ['params', 'cookies', 'session', 'security', 'static', 'responses', 'proxy'];

/**
 * The middleware that a preset stands for, in ring-defaults' order. Presets are plain data: `defaults({ ...siteDefaults, proxy: true })`.
 *
 * @throws {@link OptionError} for what no preset may hold, or one of the middleware refuses.
 */
export const defaults = (preset: Defaults): Middleware => {
  knownOptions(preset, GROUPS);
  const { params: parsing = {}, security = {}, static: folders = {}, responses = {} } = preset;
  knownOptions(parsing, ['urlencoded', 'multipart', 'nested']);
  knownOptions(folders, ['resources', 'files']);
  knownOptions(responses, ['notModifiedResponses', 'absoluteRedirects', 'contentTypes', 'defaultCharset']);
  const { antiForgery: forgery, sslRedirect: redirect, hsts: strict, ...fields } = security;
  const keeping = preset.session === undefined ? false : preset.session;
  if (typeof keeping !== 'object' && keeping !== false) throw new OptionError('session', `is ${String(keeping)}, must be options or false`);
  if (keeping === false && forgery !== undefined && forgery !== false && (forgery === true || forgery.strategy !== 'cookie')) {
    throw new OptionError('antiForgery', 'needs a session, or the strategy cookie');
  }
  const { flash: flashing = false, ...sessionOptions } = keeping === false ? {} : keeping;

  const composed = compose(
    ...proxied(preset.proxy),
    ...on(redirect, sslRedirect),
    ...on(strict, hsts),
    ...(Object.values(fields).some((value) => value !== undefined)
      ? [xHeaders({ frameOptions: false, contentTypeOptions: false, ...fields })]
      : []),
    ...(responses.notModifiedResponses === true ? [notModified()] : []),
    ...(responses.defaultCharset === undefined ? [] : [defaultCharset(responses.defaultCharset)]),
    ...on(responses.contentTypes, contentType),
    ...listOf(folders.files).map((folder) => file(folder)),
    ...listOf(folders.resources).map((folder) => resource(folder)),
    ...on(responses.absoluteRedirects, absoluteRedirects),
    ...on(preset.cookies, cookies),
    ...on(parsing.urlencoded, params),
    ...on(parsing.multipart, multipartParams),
    ...on(parsing.nested, nestedParams),
    ...(keeping === false ? [] : [session(sessionOptions)]),
    ...(flashing ? [flash()] : []),
    ...on(forgery, antiForgery),
  );
  return function defaults(handler: Handler): Handler {
    return composed(handler);
  };
};

const on = <Options extends object>(wanted: Switch<Options>, make: (options?: Options) => Middleware): Middleware[] => {
  if (wanted === undefined || wanted === false) return [];
  return [wanted === true ? make() : make(wanted)];
};

const proxied = (proxy: Defaults['proxy']): Middleware[] => {
  if (typeof proxy === 'object' && proxy !== null && 'trust' in proxy) return [forwarded(proxy)];
  return [...on(proxy, forwardedScheme), ...on(proxy, forwardedRemoteAddr)];
};

const listOf = <T extends string | URL>(one: T | readonly T[] | undefined): readonly T[] =>
  one === undefined ? [] : isList(one) ? one : [one];

const isList = <T>(one: T | readonly T[]): one is readonly T[] => Array.isArray(one);

/** For an API that machines ask. */
export const apiDefaults: Defaults = Object.freeze({
  params: Object.freeze({ urlencoded: true }),
  responses: Object.freeze({ notModifiedResponses: true, absoluteRedirects: false, contentTypes: true, defaultCharset: 'utf-8' }),
});

/** For a site that browsers show. Ring's serves `public` besides; here `static.resources` is for the application to say. */
export const siteDefaults: Defaults = Object.freeze({
  params: Object.freeze({ urlencoded: true, multipart: true, nested: true }),
  cookies: true,
  session: Object.freeze({ flash: true, cookieAttrs: Object.freeze({ httpOnly: true, sameSite: 'strict' }) }),
  security: Object.freeze({ antiForgery: true, frameOptions: 'sameorigin', contentTypeOptions: 'nosniff' }),
  responses: Object.freeze({ notModifiedResponses: true, absoluteRedirects: false, contentTypes: true, defaultCharset: 'utf-8' }),
});

/** {@link apiDefaults}, over https only. Behind a proxy add `proxy`. */
export const secureApiDefaults: Defaults = Object.freeze({
  ...apiDefaults,
  security: Object.freeze({ sslRedirect: true, hsts: true }),
});

/** {@link siteDefaults}, over https only. Behind a proxy add `proxy`. */
export const secureSiteDefaults: Defaults = Object.freeze({
  ...siteDefaults,
  session: Object.freeze({
    flash: true,
    cookieName: '__Host-session',
    cookieAttrs: Object.freeze({ httpOnly: true, sameSite: 'strict', secure: true }),
  }),
  security: Object.freeze({ ...siteDefaults.security, sslRedirect: true, hsts: true }),
});
