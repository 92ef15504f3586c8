/** `fetch` with connections of its own, few and known, that can be closed: the global ones outlive a test. */
interface Dispatcher {
  destroy(): Promise<void>;
}

/** The agent class of the `fetch` that is built into Node.js; it has no public name, only this place. */
const agentClass = async (): Promise<new (options: { connections: number }) => Dispatcher> => {
  await (await fetch('data:,')).text(); // the place is empty before the first use
  const agent = Reflect.get(globalThis, Symbol.for('undici.globalDispatcher.1')) as Dispatcher; // what undici keeps there
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
