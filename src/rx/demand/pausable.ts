/**
 * Observables whose source can be asked to wait: made of what is pulled, of a socket that need not be read, or by operators out
 * of one of those.
 *
 * Owns: what pausing means, and how it travels up through operators. Leaves: how a source is paused to whoever has one.
 */
import { Observable, type Observer, type Operator, type Subscriber, type Subscription, type Unsubscribable } from 'rxjs';

/** One run of a source. It begins at rest: nothing is asked of the source before the first `resume`. */
export interface Faucet {
  pause(): void;
  resume(): void;
}

/** A subscription that can wait. It begins at rest: nothing comes before the first `resume`. */
export interface PausableSubscription extends Unsubscribable {
  readonly closed: boolean;
  pause(): void;
  resume(): void;
}

/** An observer that paces what it is subscribed to. */
export interface PacingObserver<T> extends Observer<T> {
  readonly pacesSources: boolean;
  pace(source: PausableSubscription): void;
}

/**
 * An Observable whose subscriptions can be paused, each by itself.
 *
 * What operators make of it can be paused too: `fromReadable(file).pipe(map(parse), filter(isNew))` waits as the file does.
 * While it is paused its source gives nothing, but for an item that was on its way already; what an operator makes by itself,
 * of time or of other sources, still comes. Creation functions (`merge`, `concat`, `combineLatest`) make ordinary Observables.
 */
export interface Pausable<T> extends Observable<T> {
  /**
   * Subscribes at rest.
   *
   * @param observer - As for `subscribe`.
   * @returns To be resumed for the first item; unsubscribing lets the source go, paused or not.
   */
  subscribePausable(observer: Partial<Observer<T>>): PausableSubscription;
}

export const isPausable = <T>(source$: Observable<T>): source$ is Pausable<T> => source$ instanceof PausableSource;

/** What all that can be paused is made of. */
export abstract class PausableSource<T> extends Observable<T> implements Pausable<T> {
  constructor() {
    super(openFlowing); // one function for all: a closure for each channel would cost an idle WebSocket memory
  }

  subscribePausable(observer: Partial<Observer<T>>): PausableSubscription {
    let faucet: Faucet = CLOSED;
    const subscription = new Observable<T>((subscriber) => {
      faucet = this.open(subscriber);
    }).subscribe(observer);
    return new Valve(subscription, faucet);
  }

  override subscribe(observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null): Subscription;
  override subscribe(
    next?: ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription;
  override subscribe(
    target?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    if (!isPacing<T>(target)) return super.subscribe(target as (value: T) => void, error, complete); // as one of its overloads
    let valve: PausableSubscription | undefined;
    const subscription = new Observable<T>((subscriber) => {
      valve = this.subscribePausable(subscriber);
    }).subscribe(target);
    if (valve !== undefined) target.pace(valve);
    return subscription;
  }

  /** @deprecated As in RxJS: for operators only. */
  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    if (operator === undefined) return super.lift(operator);
    return new LiftedPausable<T, R>(this, operator);
  }

  /** Begins a run, at rest, and adds to `subscriber` what ends it. */
  abstract open(subscriber: Subscriber<T>): Faucet;
}

function openFlowing<T>(this: Observable<T>, subscriber: Subscriber<T>): void {
  (this as PausableSource<T>).open(subscriber).resume(); // given to no other constructor
}

export const isPacing = <T>(target: unknown): target is PacingObserver<T> =>
  typeof target === 'object' && target !== null && (target as Partial<PacingObserver<T>>).pacesSources === true;

const CLOSED: Faucet = { pause: () => {}, resume: () => {} };

class Valve implements PausableSubscription {
  private readonly subscription: Subscription;
  private readonly faucet: Faucet;

  constructor(subscription: Subscription, faucet: Faucet) {
    this.subscription = subscription;
    this.faucet = faucet;
  }

  get closed(): boolean {
    return this.subscription.closed;
  }

  pause(): void {
    this.faucet.pause();
  }

  resume(): void {
    if (!this.subscription.closed) this.faucet.resume();
  }

  unsubscribe(): void {
    this.subscription.unsubscribe();
  }
}

/** What an operator makes of a source that can be paused. */
class LiftedPausable<T, R> extends PausableSource<R> {
  private readonly origin: PausableSource<T>;
  private readonly operation: Operator<T, R>;

  constructor(origin: PausableSource<T>, operation: Operator<T, R>) {
    super();
    this.origin = origin;
    this.operation = operation;
    this.source = origin; // both as RxJS does it: who subscribes plainly goes RxJS's own way
    this.operator = operation;
  }

  open(subscriber: Subscriber<R>): Faucet {
    return new LiftedRun(this.origin, this.operation, subscriber);
  }
}

/** One run of an operator over a source that can be paused, and of all that it subscribes to the source. */
class LiftedRun<T, R> implements Faucet {
  isFlowing: boolean;
  private readonly origin: PausableSource<T>;
  private readonly operation: Operator<T, R>;
  private readonly subscriber: Subscriber<R>;
  private readonly upstream: Set<Gate>;
  private hasStarted: boolean;

  constructor(origin: PausableSource<T>, operation: Operator<T, R>, subscriber: Subscriber<R>) {
    this.isFlowing = false;
    this.origin = origin;
    this.operation = operation;
    this.subscriber = subscriber;
    this.upstream = new Set();
    this.hasStarted = false;
  }

  pause(): void {
    this.isFlowing = false;
    for (const gate of this.upstream) gate.update();
  }

  resume(): void {
    this.isFlowing = true;
    if (!this.hasStarted) return this.start();
    for (const gate of [...this.upstream]) gate.update();
  }

  private start(): void {
    const { subscriber } = this;
    this.hasStarted = true;
    try {
      subscriber.add(this.operation.call(subscriber, new Upstream(this.origin, this)));
    } catch (error) {
      subscriber.error(error);
    }
    subscriber.add(() => this.release());
  }

  /** What is subscribed to the source still belongs to others, as with `share`: they must not wait for who has left. */
  private release(): void {
    this.isFlowing = true;
    for (const gate of [...this.upstream]) gate.update();
  }

  enter(gate: Gate): void {
    this.upstream.add(gate);
  }

  leave(gate: Gate): void {
    this.upstream.delete(gate);
  }
}

/** The source as an operator sees it: it flows while the operator's own subscriber wants it, and nobody below has paused. */
class Upstream<T> extends PausableSource<T> {
  private readonly origin: PausableSource<T>;
  private readonly run: LiftedRun<T, unknown>;

  constructor(origin: PausableSource<T>, run: LiftedRun<T, never> | LiftedRun<T, unknown>) {
    super();
    this.origin = origin;
    this.run = run as LiftedRun<T, unknown>; // what it makes of its items is not looked at here
  }

  open(subscriber: Subscriber<T>): Faucet {
    const gate = new Gate(this.run, this.origin.open(subscriber));
    this.run.enter(gate);
    subscriber.add(() => this.run.leave(gate));
    return gate;
  }
}

class Gate implements Faucet {
  private readonly run: { readonly isFlowing: boolean };
  private readonly faucet: Faucet;
  private isOpen: boolean;
  private isFlowing: boolean;

  constructor(run: { readonly isFlowing: boolean }, faucet: Faucet) {
    this.run = run;
    this.faucet = faucet;
    this.isOpen = false;
    this.isFlowing = false;
  }

  pause(): void {
    this.isOpen = false;
    this.update();
  }

  resume(): void {
    this.isOpen = true;
    this.update();
  }

  update(): void {
    const flows = this.isOpen && this.run.isFlowing;
    if (flows === this.isFlowing) return;
    this.isFlowing = flows;
    if (flows) this.faucet.resume();
    else this.faucet.pause();
  }
}
