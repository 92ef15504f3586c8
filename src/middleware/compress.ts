/** Compressed replies. */
import type NegotiatorPackage from 'negotiator';
import { NEVER, Observable, Subscriber } from 'rxjs';
import { failureFrom, OptionError } from '../errors.js';
import { eachRequest } from '../rx/each-request.js';
import type { Handler, Middleware } from '../rx/handler.js';
import { integerOption, knownOptions } from '../rx/number-option.js';
import { optionalPackage } from '../rx/optional-package.js';
import { type HttpRequest, originOf } from '../rx/request.js';
import { type BodyPiece, bodyOf, type HttpResponse, isPiece, isResponse, kindOf, type Reply } from '../rx/response.js';
import { type Compressor, compressorFor, type ContentCoding } from './content-coding.js';
import { Encoding } from './encoding.js';
import { isUpgrade } from './map-response.js';
import { isWhole, markWhole } from './mark-whole.js';
import { fieldOf, withFields, withVary } from './response-fields.js';

/** Options of {@link compress}. */
export interface CompressOptions {
  /** Codings, the preferred first. Default `['zstd', 'br', 'gzip']`, of which zstd counts from Node.js 22.15 on. */
  readonly encodings?: readonly ContentCoding[] | undefined;
  /** Octets below which a body that is all there at once is sent as it is. Default 1 024. */
  readonly threshold?: number | undefined;
  /** Content types that are compressed. Default text, JSON, XML, scripts, SVG and the like. */
  readonly types?: RegExp | undefined;
  /** Octets of pushed pieces that may wait for a slow client; past it the reply is cut. Default 1 048 576. */
  readonly maxBufferedBytes?: number | undefined;
}

const ALL: readonly ContentCoding[] = ['zstd', 'br', 'gzip'];
const COMPRESSIBLE =
  /^(?:text\/|application\/(?:json|javascript|xml|wasm|manifest\+json|x-ndjson|graphql|rtf)\b|image\/(?:svg\+xml|bmp)\b|font\/(?:ttf|otf)\b|[^;]+\+(?:json|xml|text)\b)/i;
/** Statuses without a body, and the one whose body is a part. */
const AS_THEY_ARE = new Set([204, 205, 206, 304]);

/**
 * Compresses replies for clients that take it.
 *
 * A body that is all there at once is compressed whole, and keeps a content-length; a stream is compressed piece by piece and flushed
 * whenever nothing more is there to be compressed, so that events and chunks leave when they are made. Sources that can wait are asked
 * to. As they are pass: what is small, encoded already, a range, `no-transform`, of another type or of none, and WebSockets. Entity
 * tags become weak, and `vary` says `accept-encoding`.
 *
 * A reply that holds a secret together with what its reader has sent should not be compressed, as its length gives the secret away
 * bit by bit (BREACH): say `cache-control: no-transform` there. The tokens of {@link antiForgery} are masked against it.
 */
export const compress = (options: CompressOptions = {}): Middleware => {
  const settings = checked(options);
  return function compress(handler: Handler): Handler {
    if (typeof handler !== 'function') throw new OptionError('handler', `is ${kindOf(handler)}, must be an operator: a function`);
    const marked = markWhole(handler);
    return eachRequest((request, replies) => {
      const compressing = new Compressing(request, settings, replies);
      replies.add(compressing);
      try {
        marked(single(request)).subscribe(compressing);
      } catch (error) {
        compressing.error(error);
      }
    });
  };
};

interface Settings {
  readonly Negotiator: typeof NegotiatorPackage;
  readonly compressors: ReadonlyMap<string, Compressor>;
  readonly available: readonly string[];
  readonly threshold: number;
  readonly types: RegExp;
  readonly maxBufferedBytes: number;
}

/** The handler's subscriber. */
class Compressing extends Subscriber<Reply> {
  private readonly request: HttpRequest;
  private readonly settings: Settings;
  private readonly replies: Subscriber<Reply>;
  private hasReplied: boolean;
  private encoding: Encoding | null;
  /** A whole body is with the compressor. */
  private isWorking: boolean;

  constructor(request: HttpRequest, settings: Settings, replies: Subscriber<Reply>) {
    super();
    this.request = request;
    this.settings = settings;
    this.replies = replies;
    this.hasReplied = false;
    this.encoding = null;
    this.isWorking = false;
    this.add(() => this.encoding?.end()); // who wants no further items gets the rest of what was sent
  }

  /** What a finalizer throws behind the end comes here, too: RxJS would drop it. */
  override error(error: unknown): void {
    if (this.isStopped) originOf(this.request)?.port.report(failureFrom(error));
    else super.error(error);
  }

  protected override _next(reply: Reply): void {
    if (this.encoding !== null) this.sendOn(this.encoding, reply);
    else if (this.hasReplied) this.replies.next(reply);
    else {
      this.hasReplied = true;
      this.begin(isResponse(reply) ? reply : { body: reply });
    }
  }

  protected override _error(error: unknown): void {
    this.encoding?.fail(error);
    this.unsubscribe();
    this.replies.error(error);
  }

  protected override _complete(): void {
    if (this.isWorking) return;
    this.unsubscribe();
    this.replies.complete();
  }

  private sendOn(encoding: Encoding, reply: Reply): void {
    try {
      encoding.send(bodyOf(reply));
    } catch (error) {
      this._error(error); // no body at all
    }
  }

  private begin(given: HttpResponse): void {
    const response = withType(given);
    if (!isCandidate(response, this.settings, this.request.method)) {
      this.replies.next(given.status === 304 ? withVary(given, 'accept-encoding') : given); // as the 200 would have it
      return;
    }
    const varied = withVary(response, 'accept-encoding');
    const coding = this.codingFor(given);
    const compressor = coding === undefined ? undefined : this.settings.compressors.get(coding);
    if (coding === undefined || compressor === undefined) {
      this.replies.next(varied);
      return;
    }
    const etag = fieldOf(varied, 'etag');
    const encoded = withFields(varied, {
      'content-encoding': coding,
      'content-length': undefined,
      'content-digest': undefined,
      'accept-ranges': undefined,
      etag: etag === undefined || etag.startsWith('W/') ? etag : `W/${etag}`,
    });
    if (isMissing(given.body))
      this.replies.next({ ...encoded, body: NEVER }); // a HEAD: any end would tell a length, RFC 9110 §8.6
    else if (isWhole(given)) this.compressWhole(compressor, given.body, encoded, varied);
    else this.compressStream(compressor, encoded, given);
  }

  /** `undefined` for none. */
  private codingFor(response: HttpResponse): string | undefined {
    const { available, threshold } = this.settings;
    const accepted = this.request.headers['accept-encoding'];
    if (accepted === undefined) return undefined;
    const announced = isWhole(response) ? Buffer.byteLength(response.body) : Number(fieldOf(response, 'content-length') ?? Infinity);
    if (announced < threshold) return undefined;
    const negotiator: EncodingNegotiator = new this.settings.Negotiator({ headers: { 'accept-encoding': accepted } });
    const [best] = negotiator.encodings([...available, 'identity'], { preferred: available });
    return best === 'identity' ? undefined : best;
  }

  private compressWhole(compressor: Compressor, body: BodyPiece, encoded: HttpResponse, plain: HttpResponse): void {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    this.isWorking = true;
    compressor.compress(bytes, (error, compressed) => {
      if (this.closed) return;
      if (error !== null) {
        this._error(error);
        return;
      }
      this.replies.next(compressed.length < bytes.length ? { ...encoded, body: compressed } : plain);
      this.unsubscribe();
      this.replies.complete();
    });
  }

  private compressStream(compressor: Compressor, encoded: HttpResponse, given: HttpResponse): void {
    const encoder = compressor.create();
    this.encoding = new Encoding(encoder, this.settings.maxBufferedBytes, (error) => originOf(this.request)?.port.report(error));
    this.replies.next({ ...encoded, body: encoder });
    this.sendOn(this.encoding, given);
  }
}

/** Text that does not say what it is leaves as what the server would call it: compressed, nobody could tell. */
const withType = (response: HttpResponse): HttpResponse => {
  const { body } = response;
  if (!isPiece(body) || fieldOf(response, 'content-type') !== undefined) return response;
  return withFields(response, { 'content-type': typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/octet-stream' });
};

const isMissing = (body: HttpResponse['body']): boolean => body === null || body === undefined;

/** A HEAD without a body, but with a length, is told what a GET would be. */
const isCandidate = (response: HttpResponse, { types }: Settings, method: string): boolean => {
  if (isMissing(response.body) && (method !== 'HEAD' || fieldOf(response, 'content-length') === undefined)) return false;
  if (isUpgrade(response) || AS_THEY_ARE.has(response.status ?? 200)) return false;
  if (fieldOf(response, 'content-encoding') !== undefined || fieldOf(response, 'content-range') !== undefined) return false;
  if (/\bno-transform\b/i.test(fieldOf(response, 'cache-control') ?? '')) return false;
  return types.test(fieldOf(response, 'content-type') ?? '');
};

/** Newer than its published types. */
interface EncodingNegotiator {
  encodings(available: readonly string[], options?: { readonly preferred: readonly string[] }): string[];
}

/** `of(request)`, in fewer steps. */
const single = (request: HttpRequest): Observable<HttpRequest> =>
  new Observable((subscriber) => {
    subscriber.next(request);
    subscriber.complete();
  });

const checked = (options: CompressOptions): Settings => {
  knownOptions(options, ['encodings', 'threshold', 'types', 'maxBufferedBytes']);
  const { encodings = ALL, types = COMPRESSIBLE } = options;
  if (!Array.isArray(encodings) || encodings.length === 0 || !encodings.every((coding) => ALL.includes(coding))) {
    throw new OptionError('encodings', `is ${JSON.stringify(encodings)}, must be a list of ${ALL.join(', ')}`);
  }
  if (!(types instanceof RegExp) || types.global || types.sticky)
    throw new OptionError('types', 'must be a RegExp without the flags g and y');
  const compressors = new Map<string, Compressor>();
  for (const coding of encodings) {
    const compressor = compressorFor(coding);
    if (compressor !== undefined) compressors.set(coding, compressor);
  }
  return {
    Negotiator: optionalPackage('negotiator', 'compress'),
    compressors,
    available: [...compressors.keys()],
    types,
    threshold: integerOption('threshold', options.threshold, 1_024, 0, Infinity),
    maxBufferedBytes: integerOption('maxBufferedBytes', options.maxBufferedBytes, 1_048_576, 0, Infinity),
  };
};
