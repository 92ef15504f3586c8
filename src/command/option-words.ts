/** Written by `npm run report` from the doc comments of `src/server/options.ts`. */

export interface OptionWords {
  readonly unit: string;
  /** In TypeScript. */
  readonly type: string;
  readonly words: string;
}

export const OPTION_WORDS: Readonly<Record<string, OptionWords>> = {
  ip: {"unit":"–","type":"string","words":"Address to listen on, IPv4 or IPv6."},
  port: {"unit":"–","type":"number","words":"TCP port, 0–65 535; 0 picks a free one. A port that is taken rejects with EADDRINUSE."},
  path: {"unit":"–","type":"string | null","words":"Path of a Unix socket to listen on instead of ip and port; null for none. Removed by stop. A file that is there rejects with EADDRINUSE, also one that a killed server left. At most 107 octets on Linux, 103 on macOS."},
  queueSize: {"unit":"count","type":"number","words":"Requests, over all connections, that may wait for their first reply item. Past it 503 with retry-after, at once."},
  thread: {"unit":"count","type":"number","words":"Worker threads that compute replies, where the handler is a module. A handler that is a function runs on the event loop; this says nothing to it."},
  workerNamePrefix: {"unit":"–","type":"string","words":"What the names of the threads begin with; a number follows: worker-1."},
  requestsPerThread: {"unit":"count","type":"number","words":"Requests that a thread may be busy with: from when it is given one until the first item of its reply. 1 suits handlers that compute; past it requests wait for a thread."},
  computeTimeoutMs: {"unit":"ms","type":"number","words":"Milliseconds that a thread may compute without looking up. Past it it is ended and replaced: its request gets 503, what else it held 500 or a cut."},
  startTimeoutMs: {"unit":"ms","type":"number","words":"Milliseconds until a thread must be ready, its module loaded; and a new process of runProcesses must listen. Past it it is ended: at the start that is an error, a replacement is tried again later."},
  resourceLimits: {"unit":"–","type":"ResourceLimits | null","words":"Memory of each thread, as worker_threads has it; null for Node's own limits. A thread that needs more ends and is replaced: what it held gets 500 or a cut."},
  maxBody: {"unit":"bytes","type":"number","words":"Octets of a request body. Past it 413: by content-length before a byte of the body is read, by count when chunked."},
  maxWs: {"unit":"bytes","type":"number","words":"Octets of a WebSocket message, after inflation. Past it the socket closes with 1009. A channel may have its own limit."},
  maxLine: {"unit":"bytes","type":"number","words":"Octets of the request line and of each header line. Past it 414."},
  maxHeaders: {"unit":"count","type":"number","words":"Header lines of a request, its trailers included. Past it 431."},
  maxHeadBytes: {"unit":"bytes","type":"number","words":"Octets of a request head with its padding, its trailers included. Past it 431."},
  maxBufferedBytes: {"unit":"bytes","type":"number","words":"Octets that may wait for one slow client when they are pushed (Observables). Past it the reply is cut."},
  maxConnections: {"unit":"count","type":"number","words":"Open connections. Past it a new one is closed at once, and an event tells. Below what a process may open (ulimit -n), or there will be no event: Node.js closes unseen what it has no file descriptor for."},
  maxRequestsPerConnection: {"unit":"count","type":"number","words":"Requests on one connection. The last one is answered with connection: close."},
  headTimeoutMs: {"unit":"ms","type":"number","words":"Milliseconds for a request head, from its first byte to its last. Past it 408; checked every second."},
  bodyMinBytesPerSecond: {"unit":"bytes/s","type":"number","words":"Octets per second that a request body must bring on average while it is read, after a grace of 5 s. Below it 408; 0 lets it take its time."},
  keepAliveTimeoutMs: {"unit":"ms","type":"number","words":"Milliseconds that a connection may idle before and between requests. Past it it is closed; checked every second."},
  halfCloseTimeoutMs: {"unit":"ms","type":"number","words":"Milliseconds that a client that has sent FIN waits for its reply to begin. Past it it is taken as gone; checked every second."},
  stallTimeoutMs: {"unit":"ms","type":"number","words":"Milliseconds in which a client that is sent something must take at least one write. Past it it is cut; checked every second."},
  backlog: {"unit":"count","type":"number","words":"Connections that the operating system may hold before they are accepted; its own limit counts too."},
  serverHeader: {"unit":"–","type":"string | null","words":"Value of the server header of every response; null for none."},
};
