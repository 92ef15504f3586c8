/** What `mergeMap` does for a handler, in fewer objects: they live as long as a WebSocket does. */
import { Observable, Subscriber } from 'rxjs';
import type { Handler } from './handler.js';
import type { HttpRequest } from './request.js';
import type { Reply } from './response.js';

/** Answers one request to its subscriber; what it throws is the subscriber's error. */
export type Answering = (request: HttpRequest, replies: Subscriber<Reply>) => void;

/**
 * A handler that answers each request as it comes, and completes when all are answered. An idle WebSocket costs 2.2 KB less
 * with it than with `mergeMap`, websocket-idle-memory.
 */
export const eachRequest = (answering: Answering): Handler => {
  return (requests$) =>
    new Observable((replies) => {
      requests$.subscribe(new Requests(replies, answering));
    });
};

class Requests extends Subscriber<HttpRequest> {
  readonly replies: Subscriber<Reply>;
  private readonly answering: Answering;
  private running: number;
  private isLast: boolean;

  constructor(replies: Subscriber<Reply>, answering: Answering) {
    super();
    this.replies = replies;
    this.answering = answering;
    this.running = 0;
    this.isLast = false;
    replies.add(this);
  }

  protected override _next(request: HttpRequest): void {
    const run = new Run(this);
    this.running++;
    this.replies.add(run);
    try {
      this.answering(request, run);
    } catch (error) {
      run.error(error);
    }
  }

  protected override _error(error: unknown): void {
    this.replies.error(error);
  }

  protected override _complete(): void {
    this.isLast = true;
    this.unsubscribe();
    if (this.running === 0) this.replies.complete();
  }

  leave(run: Run): void {
    this.running--;
    this.replies.remove(run);
    if (this.isLast && this.running === 0) this.replies.complete();
  }
}

class Run extends Subscriber<Reply> {
  private readonly requests: Requests;

  constructor(requests: Requests) {
    super();
    this.requests = requests;
  }

  protected override _next(reply: Reply): void {
    this.requests.replies.next(reply);
  }

  protected override _error(error: unknown): void {
    this.requests.replies.error(error);
  }

  protected override _complete(): void {
    try {
      this.unsubscribe();
    } finally {
      this.requests.leave(this); // also where a finalizer throws: the reply is complete
    }
  }
}
