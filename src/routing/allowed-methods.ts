/** Which methods a path has, for the reply to one that it has not: RFC 9110 §15.5.6, §9.3.7. */
import { HttpError } from '../errors.js';
import type { HttpRequest } from '../rx/request.js';
import type { HttpResponse } from '../rx/response.js';

/** Collected while the routes of one request are tried. */
export class AllowedMethods {
  /** Made when there is one: most requests find their route at once. */
  private methods: string[] | null;
  /** A route of the request's own method was there, and did not want it: then the method is not what is wrong. */
  private hasOwn: boolean;

  constructor() {
    this.methods = null;
    this.hasOwn = false;
  }

  add(methods: readonly string[]): void {
    this.methods ??= [];
    for (const method of methods) if (!this.methods.includes(method)) this.methods.push(method);
  }

  foundOwn(): void {
    this.hasOwn = true;
  }

  /** Only the method differs. */
  get differs(): boolean {
    return !this.hasOwn && this.methods !== null;
  }

  /**
   * @returns 204 for OPTIONS.
   * @throws HttpError 405 for all else.
   */
  answer({ method }: HttpRequest): HttpResponse {
    this.add(['OPTIONS']);
    const headers = { allow: String(this.methods?.join(', ')) };
    if (method === 'OPTIONS') return { status: 204, headers };
    throw new HttpError(405, 'method not allowed', { headers });
  }
}
