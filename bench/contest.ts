/**
 * What a scenario is, and the order in which it is measured: A B C A B C …, so that a slow minute of the machine hits all alike.
 *
 * Leaves what a sample is to the scenarios, and what the numbers mean to `result.ts`.
 */

export const serverNames = ['ours', 'node-http', 'fastify', 'hono', 'marble', 'uwebsockets', 'rawnet', 'ws'] as const;

/** A file in `peers/`. */
export type ServerName = (typeof serverNames)[number];

/** One row of a scenario: a server, or a server under one of several conditions. */
export interface Contender {
  /** Unlike any other in the scenario. */
  readonly name: string;
  readonly server: ServerName;
  /** Starts what is measured and proves that it answers right. Whoever opens closes. */
  open(): Promise<Measured>;
  readonly comparison?: Comparison;
}

/** The ratio that is shown in a contender's row, subject / base, both named. */
export interface Comparison {
  readonly subject: string;
  readonly base: string;
  /** The target, when there is one. */
  readonly atMost?: number;
}

export interface Measured {
  /** One measurement in the scenario's quantity. `seconds` is how long the load lasts where a load has a duration. */
  sample(seconds: number): Promise<number>;
  close(): Promise<void>;
}

export interface Scenario {
  /** kebab-case: the file in `results/` and the word for `--scenario`. */
  readonly name: string;
  readonly title: string;
  /** What a sample counts, with its unit. */
  readonly quantity: string;
  /** What the column of ratios holds. */
  readonly ratioOf: string;
  /** How long a process is measured. `round`: a fresh one for every sample. */
  readonly lifetime: 'contest' | 'round';
  readonly contenders: readonly Contender[];
}

/** What a process runs before anything counts. node-http, hello: 138 µs in its first second, 50 from the third on. */
const warmUpSeconds = 5;

export interface ContestOptions {
  readonly rounds: number;
  readonly seconds: number;
}

/** The samples of every contender, one for each round. */
export type Samples = ReadonlyMap<Contender, readonly number[]>;

export function runContest(scenario: Scenario, options: ContestOptions): Promise<Samples> {
  return scenario.lifetime === 'round' ? contestOfFreshProcesses(scenario, options) : contestOfLivingProcesses(scenario, options);
}

async function contestOfLivingProcesses({ contenders }: Scenario, { rounds, seconds }: ContestOptions): Promise<Samples> {
  const opened = new Map<Contender, Measured>();
  try {
    for (const contender of contenders) {
      const measured = await contender.open();
      opened.set(contender, measured);
      await measured.sample(warmUpSeconds);
    }
    return await interleave(contenders, rounds, (contender) => opened.get(contender)!.sample(seconds));
  } finally {
    await Promise.all(Array.from(opened.values(), (measured) => measured.close()));
  }
}

function contestOfFreshProcesses({ contenders }: Scenario, { rounds, seconds }: ContestOptions): Promise<Samples> {
  return interleave(contenders, rounds, async (contender) => {
    const measured = await contender.open();
    try {
      return await measured.sample(seconds);
    } finally {
      await measured.close();
    }
  });
}

async function interleave(
  contenders: readonly Contender[],
  rounds: number,
  sampleOf: (contender: Contender) => Promise<number>,
): Promise<Samples> {
  const samples = new Map<Contender, number[]>(contenders.map((contender) => [contender, []]));
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const sample = await sampleOf(contender).catch((error: unknown) => {
        throw new Error(`${contender.name}, round ${round + 1}`, { cause: error });
      });
      samples.get(contender)!.push(sample);
    }
  }
  return samples;
}
