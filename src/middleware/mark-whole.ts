/** Replies that are all there at once, told from those that go on. */
import { asapScheduler, Observable, Subscriber, type Subscription } from 'rxjs';
import type { Handler } from '../rx/handler.js';
import { repliesOf } from '../rx/replies-of.js';
import { type BodyPiece, type HttpResponse, isPiece, isResponse, type Reply } from '../rx/response.js';

/** A response whose body is all that will ever come. */
export type WholeResponse = HttpResponse & { readonly body: BodyPiece };

const wholes = new WeakSet<object>();

/** Only behind {@link markWhole}. */
export const isWhole = (response: HttpResponse): response is WholeResponse => wholes.has(response);

/**
 * A handler whose first item waits until the turn is over or the reply is, as the server itself holds it, so that `isWhole` tells
 * which it was. Only pieces wait; sources never do.
 */
export const markWhole =
  (handler: Handler): Handler =>
  (requests$) =>
    new Observable((replies) => {
      const marking = new Marking(replies);
      replies.add(marking);
      repliesOf(handler, requests$).subscribe(marking);
    });

class Marking extends Subscriber<Reply> {
  private readonly replies: Subscriber<Reply>;
  private held: WholeResponse | null;
  private hasReplied: boolean;
  private waiting: Subscription | null;

  constructor(replies: Subscriber<Reply>) {
    super();
    this.replies = replies;
    this.held = null;
    this.hasReplied = false;
    this.waiting = null;
  }

  protected override _next(reply: Reply): void {
    if (this.hasReplied) {
      this.release();
      this.replies.next(reply);
      return;
    }
    this.hasReplied = true;
    const body = isResponse(reply) ? reply.body : reply;
    if (!isPiece(body)) {
      this.replies.next(reply); // also what is no reply: the server says so
      return;
    }
    this.held = isResponse(reply) ? { ...reply, body } : { body };
    this.waiting = asapScheduler.schedule(() => this.release());
    this.add(this.waiting);
  }

  protected override _error(error: unknown): void {
    this.release(); // as it would have been without this: the first item came first
    this.unsubscribe();
    this.replies.error(error);
  }

  protected override _complete(): void {
    if (this.held !== null) wholes.add(this.held);
    this.release();
    this.unsubscribe();
    this.replies.complete();
  }

  private release(): void {
    const { held } = this;
    if (held === null) return;
    this.held = null;
    this.waiting?.unsubscribe();
    this.replies.next(held);
  }
}
