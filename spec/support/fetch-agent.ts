/** `fetch` with connections of its own, few and known, that can be closed: the global ones outlive a test. */
interface Dispatcher {
  destroy(): Promise<void>;
}

/** The agent class of the `fetch` that is built into Node.js; it has no public name, only this place. */
const agentClass = async (): Promise<new (options: { connections: number }) => Dispatcher> => {
  await (await fetch('data:,')).text(); // the place is empty before the first use
  const places = ['undici.globalDispatcher.2', 'undici.globalDispatcher.1']; // the newer one, where there is one, holds the agent itself
  const agent = places
    .map((place) => Reflect.get(globalThis, Symbol.for(place)) as Dispatcher | undefined)
    .find((found) => found !== undefined);
  if (agent === undefined) throw new Error('the agent of fetch is not where it was');
  return agent.constructor as new (options: { connections: number }) => Dispatcher; // the class of that object
};

export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

/** Runs `use` with a `fetch` that has at most `connections` to each origin, and closes them. */
export const withFetch = async (connections: number, use: (fetch: Fetch) => Promise<void>): Promise<void> => {
  const dispatcher = new (await agentClass())({ connections });
  try {
    // `dispatcher` and `duplex`, which streams need, are not in all types
    await use((url, init) => fetch(url, { ...init, dispatcher, duplex: 'half' } as RequestInit));
  } finally {
    await dispatcher.destroy();
  }
};
