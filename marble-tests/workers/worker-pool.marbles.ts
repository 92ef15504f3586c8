/** The queue and the replacements, over threads that are made up: real ones are in `spec/workers/`. */
import { filter, map, type Observable, Subject } from 'rxjs';
import { HttpKitError } from 'rx-http-kit';
import { type MarbleHelpers, marbles } from 'rx-http-kit/testing';
import { Job, type PoolThread, type PoolThreadListener, WorkerPool, type WorkerPoolOptions } from '#src/workers/worker-pool.js';

/** What happens: a letter is given to a thread or refused, a thread or the pool itself starts, dies or ends. */
interface Happening {
  readonly kind: 'given' | 'refused' | 'life';
  readonly letter: string;
  readonly detail: string;
}

class Letter extends Job {
  readonly letter: string;
  private readonly tell: (happening: Happening) => void;

  constructor(letter: string, tell: (happening: Happening) => void) {
    super();
    this.letter = letter;
    this.tell = tell;
  }

  onWaiting(): void {}

  fail(error: unknown): void {
    this.tell({ kind: 'refused', letter: this.letter, detail: error instanceof HttpKitError ? error.code : String(error) });
  }
}

/** A thread that does what the test says. */
class FakeThread implements PoolThread<Letter> {
  readonly name: string;
  readonly listener: PoolThreadListener;
  readonly jobs: Letter[];
  held: number;
  private readonly tell: (happening: Happening) => void;

  constructor(name: string, listener: PoolThreadListener, tell: (happening: Happening) => void) {
    this.name = name;
    this.listener = listener;
    this.jobs = [];
    this.held = 0;
    this.tell = tell;
  }

  get inWork(): number {
    return this.jobs.length;
  }

  give(job: Letter): void {
    this.jobs.push(job);
    this.held++;
    this.tell({ kind: 'given', letter: job.letter, detail: this.name });
  }

  stop(): void {
    this.tell({ kind: 'life', letter: 'e', detail: this.name });
    this.listener.onExit();
  }

  die(): void {
    const error = new Error('dead');
    for (const job of this.jobs.splice(0)) job.fail(error);
    this.listener.onEnd(error);
    this.listener.onExit();
  }
}

class Scene {
  readonly pool: WorkerPool<Letter>;
  readonly threads: FakeThread[];
  private readonly jobs: Map<string, Letter>;
  private readonly happenings: Subject<Happening>;

  /** @param serves - Whether a thread gets ready, a frame after its start, or dies instead. */
  constructor({ clock }: MarbleHelpers, options: Partial<WorkerPoolOptions>, serves: (count: number) => boolean) {
    this.happenings = new Subject();
    this.threads = [];
    this.jobs = new Map();
    this.pool = new WorkerPool<Letter>(
      { thread: 1, workerNamePrefix: 't', queueSize: 20, requestsPerThread: 1, ...options },
      (name, listener) => {
        const thread = new FakeThread(name, listener, (happening) => this.happenings.next(happening));
        const count = this.threads.push(thread);
        this.tellLife('s', name);
        clock.after(1, () => (serves(count) ? listener.onReady() : thread.die()));
        return thread;
      },
      clock,
      () => this.tellLife('d'),
    );
  }

  /** Letters, when a thread is given them. */
  get given$(): Observable<string> {
    return this.of('given');
  }

  /** Letters that will not be run. */
  get refused$(): Observable<string> {
    return this.of('refused');
  }

  /** `s`: a thread starts. `o`: all are ready. `d`: one has died. `e`: one is ended. `f`: the pool cannot start. `x`: nothing is left. `r`: it rests. */
  get life$(): Observable<string> {
    return this.of('life');
  }

  /** The names of the threads that letters are given to. */
  get names$(): Observable<string> {
    return this.happenings.pipe(
      filter(({ kind }) => kind === 'given'),
      map(({ detail }) => detail),
    );
  }

  /** A small letter enters; its capital leaves. */
  act(letter: string): void {
    const name = letter.toLowerCase();
    const job = this.jobs.get(name) ?? new Letter(name, (happening) => this.happenings.next(happening));
    this.jobs.set(name, job);
    if (letter === name) this.pool.enter(job);
    else this.pool.leave(job);
  }

  /** The thread that is busy with this letter begins its reply. */
  answer(letter: string): void {
    const thread = this.threads.find(({ jobs }) => jobs.some((job) => job.letter === letter));
    if (thread === undefined) throw new Error(`nobody has ${letter}`);
    thread.jobs.splice(
      thread.jobs.findIndex((job) => job.letter === letter),
      1,
    );
    thread.listener.onFree();
  }

  start(): void {
    this.pool.start((error) => this.tellLife(error === undefined ? 'o' : 'f', String(error)));
  }

  rest(): void {
    this.pool.rest(() => this.tellLife('r'));
  }

  stop(): void {
    this.pool.stop(() => this.tellLife('x'));
  }

  /** The newest thread dies. */
  die(): void {
    this.threads[this.threads.length - 1].die();
  }

  private tellLife(letter: string, detail: string = ''): void {
    this.happenings.next({ kind: 'life', letter, detail });
  }

  private of(wanted: Happening['kind']): Observable<string> {
    return this.happenings.pipe(
      filter(({ kind }) => kind === wanted),
      map(({ letter }) => letter),
    );
  }
}

interface SceneOptions extends Partial<WorkerPoolOptions> {
  readonly serves?: (count: number) => boolean;
}

/** Runs a test with a pool that starts in its first frame, before anybody looks, and is ready in the second unless the test says otherwise. */
const run = (options: SceneOptions, use: (scene: Scene, helpers: MarbleHelpers) => void): void =>
  marbles((helpers) => {
    const { serves = () => true, ...poolOptions } = options;
    const scene = new Scene(helpers, poolOptions, serves);
    helpers.at('s', () => scene.start());
    use(scene, helpers);
  });

describe('WorkerPool', () => {
  it('gives requests to idle threads, lets the others wait in their order, and refuses at once what finds the queue full', () => {
    run({ thread: 2, queueSize: 2 }, (scene, { at, expectObservable }) => {
      const requests = '--abcde------';
      const answers = ' --------b-a-c';
      const given = '   --ab----c-d--';
      const refused = ' ------e------';
      at(requests, (letter) => scene.act(letter));
      at(answers, (letter) => scene.answer(letter));
      expectObservable(scene.given$).toBe(given);
      expectObservable(scene.refused$).toBe(refused);
    });
  });

  it('lets requests wait while its threads start', () => {
    run({}, (scene, { at, expectObservable }) => {
      at('(ab)--------', (letter) => scene.act(letter));
      at('-----------a', (letter) => scene.answer(letter));
      expectObservable(scene.given$).toBe('-a---------b');
      expectObservable(scene.life$).toBe(' -o----------');
    });
  });

  it('never runs a request that has left', () => {
    run({}, (scene, { at, expectObservable }) => {
      const requests = '--abcBC---d';
      const answers = ' --------a--';
      const given = '   --a-------d';
      at(requests, (letter) => scene.act(letter));
      at(answers, (letter) => scene.answer(letter));
      expectObservable(scene.given$).toBe(given);
      expectObservable(scene.refused$).toBe('');
    });
  });

  it('fills the place of one that has left the queue', () => {
    run({ queueSize: 1 }, (scene, { at, expectObservable }) => {
      const requests = '--abcBd---';
      const answers = ' --------a-';
      at(requests, (letter) => scene.act(letter));
      at(answers, (letter) => scene.answer(letter));
      expectObservable(scene.given$).toBe('  --a-----d-');
      expectObservable(scene.refused$).toBe('----c-----');
    });
  });

  it('prefers the thread that has least in work, then the one that has least at all', () => {
    run({ thread: 2, requestsPerThread: 2 }, (scene, { at, expectObservable }) => {
      const requests = '--abcd---ef';
      const answers = ' ------ab---';
      at(requests, (letter) => scene.act(letter));
      at(answers, (letter) => scene.answer(letter));
      expectObservable(scene.names$).toBe('--1212---12', { 1: 't1', 2: 't2' });
    });
  });

  it('replaces a thread that died after 100 ms, each time it dies soon after twice as long; once it has lived half a minute all is forgiven', () => {
    run({ serves: (count) => count !== 2 && count !== 3 }, (scene, { at, expectObservable }) => {
      const deaths = '-----d               39994ms             d        ';
      const life = '  -o---d 99ms sd 199ms sd 399ms s 39292ms d 99ms s';
      at(deaths, () => scene.die());
      expectObservable(scene.life$).toBe(life);
    });
  });

  it('waits half a minute at most, and replaces nobody once it is stopped', () => {
    run({ serves: (count) => count === 1 }, (scene, { at, expectObservable }) => {
      const first = ' -o---d 99ms sd 199ms sd 399ms sd 799ms sd 1599ms sd 3199ms sd 6399ms sd 12799ms sd 25599ms sd';
      const later = ' 29999ms sd 29999ms sd 883ms x';
      at('-----d', () => scene.die());
      at('112s x', () => scene.stop());
      expectObservable(scene.life$).toBe(first + later);
    });
  });

  it('fails what a thread held when it died, and lets the rest wait for the next', () => {
    run({}, (scene, { at, expectObservable }) => {
      const requests = '--abc            ';
      const deaths = '  -----d           ';
      const given = '   --a--- 100ms b   ';
      const refused = ' -----a           ';
      at(requests, (letter) => scene.act(letter));
      at(deaths, () => scene.die());
      expectObservable(scene.given$).toBe(given);
      expectObservable(scene.refused$).toBe(refused);
    });
  });

  it('cannot start when one of its threads cannot, ends the others, and refuses all requests', () => {
    run({ thread: 2, serves: (count) => count === 1 }, (scene, { at, expectObservable }) => {
      at('a---b', (letter) => scene.act(letter));
      expectObservable(scene.given$).toBe('  -a');
      expectObservable(scene.refused$).toBe('----b');
      expectObservable(scene.life$).toBe('  -(ef)');
    });
  });

  it('refuses what waits when it is stopped, and what comes later, and ends its threads', () => {
    run({}, (scene, { at, expectObservable }) => {
      const requests = '--ab---c';
      const stops = '   -----x--';
      at(requests, (letter) => scene.act(letter));
      at(stops, () => scene.stop());
      expectObservable(scene.given$).toBe('  --a-----');
      expectObservable(scene.refused$).toBe('-----b-c');
      expectObservable(scene.life$).toBe('   -o---(ex)');
    });
  });

  it('ends its threads when it rests, and starts them again for the next request', () => {
    run({}, (scene, { at, expectObservable }) => {
      at('--a-----b', (letter) => scene.act(letter));
      at('----r', () => scene.rest());
      expectObservable(scene.given$).toBe('--a------b');
      expectObservable(scene.refused$).toBe('');
      expectObservable(scene.life$).toBe('-o--(er)s');
    });
  });

  it('starts nobody for a thread that died before it rests, and may be stopped then', () => {
    run({}, (scene, { at, expectObservable }) => {
      at('--d', () => scene.die());
      at('----r', () => scene.rest());
      at('----- 1s x', () => scene.stop());
      at('----- 1s -a', (letter) => scene.act(letter));
      expectObservable(scene.life$).toBe('-od-r 1s x');
      expectObservable(scene.refused$).toBe('----- 1s -a');
    });
  });
});
