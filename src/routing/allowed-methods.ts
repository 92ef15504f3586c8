/** Which methods a path has, for the reply to one that it has not: RFC 9110 §15.5.6, §9.3.7. */
import { HttpError } from '../errors.js';
import type { HttpRequest } from '../rx/request.js';
import type { HttpResponse } from '../rx/response.js';

/** Collected while the routes of one request are tried. */
export class AllowedMethods {
  private readonly methods: Set<string>;
  /** A route of the request's own method was there, and did not want it: then the method is not what is wrong. */
  private hasOwn: boolean;

  constructor() {
    this.methods = new Set();
    this.hasOwn = false;
  }

  add(methods: readonly string[]): void {
    for (const method of methods) this.methods.add(method);
  }

  foundOwn(): void {
    this.hasOwn = true;
  }

  /** Only the method differs. */
  get differs(): boolean {
    return !this.hasOwn && this.methods.size > 0;
  }

  /**
   * @returns 204 for OPTIONS.
   * @throws HttpError 405 for all else.
   */
  answer({ method }: HttpRequest): HttpResponse {
    const headers = { allow: [...this.methods, ...(this.methods.has('OPTIONS') ? [] : ['OPTIONS'])].join(', ') };
    if (method === 'OPTIONS') return { status: 204, headers };
    throw new HttpError(405, 'method not allowed', { headers });
  }
}
