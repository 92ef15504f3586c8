/** Requests that are what their schemas say. */
import { concatMap, from, map, type Observable, of, type OperatorFunction } from 'rxjs';
import { HttpError, messageOf, OptionError } from '../errors.js';
import { asForm } from '../rx/requests/as-form.js';
import { asJson } from '../rx/requests/as-json.js';
import { knownOptions } from '../rx/number-option.js';
import { extend, type HttpRequest } from '../rx/request.js';
import { single } from '../rx/single.js';
import { queryFrom } from './query.js';
import type { SchemaIssue, SchemaOutput, SchemaResult, StandardSchema } from './standard-schema.js';

/** Schemas of the parts of a request: Zod, Valibot, ArkType, any of the Standard Schema. */
export interface RequestSchemas {
  /** Of `request.params`: texts, until the schema makes something else of them. */
  readonly params?: StandardSchema | undefined;
  /** Of `request.query`: texts, or lists of them. */
  readonly query?: StandardSchema | undefined;
  /** Of the body: JSON or a form, as its content type says, also one that `params` or `multipartParams` has read around; `undefined` where there is none. */
  readonly body?: StandardSchema | undefined;
}

/** A request whose parts have the types of their schemas. */
export type Validated<R, S extends RequestSchemas> = Omit<R, keyof S> & { readonly [Part in keyof S]: SchemaOutput<S[Part]> };

/** What is wrong with one place of a request. */
export interface RequestIssue {
  readonly in: 'params' | 'query' | 'body';
  /** A JSON pointer, RFC 6901: `/lines/0/price`; empty for the whole. */
  readonly pointer: string;
  readonly message: string;
}

/** More are not listed: a long list of wrong items must not make a long answer of each. */
const MAX_ISSUES = 50;

/** The request is not what its schemas say: 400 with a problem document, RFC 9457, that lists the places. */
export class ValidationError extends HttpError {
  readonly issues: readonly RequestIssue[];

  constructor(issues: readonly RequestIssue[]) {
    const problem = { type: 'about:blank', title: 'Bad Request', status: 400, detail: 'the request is not valid', errors: issues };
    super(400, JSON.stringify(problem), { headers: { 'content-type': 'application/problem+json' } });
    this.issues = issues;
  }

  override get name(): string {
    return 'ValidationError';
  }
}

/**
 * Each request with `params`, `query` and `body` as their schemas make them; those without a schema stay as they were.
 *
 * Fails with a {@link ValidationError} (400) that names every wrong place, up to 50. The body is read only where params and query
 * are right; it fails as `asJson` and `asForm` do, and with 415 for another content type. Schemas may be asynchronous.
 *
 * @throws {@link OptionError} for what is no Standard Schema.
 * @example `post('/notes', pipe(validate({ body: z.object({ text: z.string() }) }), map(({ body }) => add(body.text))))`
 */
export const validate = <S extends RequestSchemas, R extends HttpRequest = HttpRequest>(
  schemas: S,
): OperatorFunction<R, Validated<R, S>> => {
  knownOptions(schemas, ['params', 'query', 'body']);
  for (const [part, schema] of Object.entries(schemas)) {
    const validates = typeof (schema as StandardSchema | undefined)?.['~standard']?.validate === 'function'; // asked, not assumed
    if (!validates) throw new OptionError(part, `is ${messageOf(schema)}, must be a Standard Schema`);
  }
  return concatMap((request) => validated(request, schemas) as Observable<unknown> as Observable<Validated<R, S>>); // by the schemas, just now
};

const validated = (request: HttpRequest, { params, query, body }: RequestSchemas): Observable<HttpRequest> =>
  both(
    checked('params', params, () => ({ ...(request as { params?: object }).params })),
    checked('query', query, () => ({ ...((request as { query?: object }).query ?? queryFrom(request.queryString)) })),
  ).pipe(
    concatMap((fields) =>
      body === undefined
        ? of(fields)
        : bodyOf(request).pipe(
            concatMap((value) => checked('body', body, () => value)),
            map((part) => withoutIssues([part], fields)),
          ),
    ),
    map((fields) => extend(request, fields)),
  );

type Part = { readonly name: RequestIssue['in']; readonly result: SchemaResult<unknown> } | null;
type FieldsFound = Readonly<Record<string, unknown>>;

const checked = (name: RequestIssue['in'], schema: StandardSchema | undefined, valueOf: () => unknown): Observable<Part> => {
  if (schema === undefined) return single(null);
  const result = schema['~standard'].validate(valueOf());
  return result instanceof Promise ? from(result).pipe(map((late) => ({ name, result: late }))) : single({ name, result });
};

/** The issues of both, where both have some. */
const both = (one$: Observable<Part>, other$: Observable<Part>): Observable<FieldsFound> =>
  one$.pipe(concatMap((one) => other$.pipe(map((other) => withoutIssues([one, other], {})))));

const withoutIssues = (parts: readonly Part[], fields: FieldsFound): FieldsFound => {
  const found: Record<string, unknown> = { ...fields };
  const issues: RequestIssue[] = [];
  for (const part of parts) {
    if (part === null) continue;
    if (part.result.issues === undefined) found[part.name] = part.result.value;
    else for (const issue of part.result.issues.slice(0, MAX_ISSUES - issues.length)) issues.push(issueFrom(part.name, issue));
  }
  if (issues.length > 0) throw new ValidationError(issues);
  return found;
};

const issueFrom = (name: RequestIssue['in'], { message, path = [] }: SchemaIssue): RequestIssue => ({
  in: name,
  pointer: path.map((segment) => `/${escaped(String(typeof segment === 'object' ? segment.key : segment))}`).join(''),
  message,
});

/** RFC 6901 §3. */
const escaped = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');

const JSON_TYPE = /^application\/(?:[^;\s]+\+)?json[ \t]*(?:;|$)/i;
const MULTIPART_TYPE = /^multipart\/form-data[ \t]*;/i;
const FORM_TYPE = /^application\/x-www-form-urlencoded[ \t]*(?:;|$)/i;

/** What middleware has read of a body: it cannot be read again. */
interface ReadForms {
  readonly formParams?: object;
  readonly multipartParams?: object;
}

const bodyOf = (request: HttpRequest): Observable<unknown> => {
  const { contentType } = request;
  const { formParams, multipartParams } = request as ReadForms; // asked, not assumed
  if (formParams !== undefined && FORM_TYPE.test(contentType ?? '')) return single({ ...formParams });
  if (multipartParams !== undefined && MULTIPART_TYPE.test(contentType ?? '')) return single({ ...multipartParams });
  const hasNone = request.contentLength === 0 || (request.contentLength === undefined && !('transfer-encoding' in request.headers));
  if (contentType === undefined && hasNone) return single(undefined);
  if (JSON_TYPE.test(contentType ?? '')) return single(request).pipe(asJson());
  if (FORM_TYPE.test(contentType ?? '')) return single(request).pipe(asForm());
  throw new HttpError(415, 'the body is neither JSON nor a form');
};
