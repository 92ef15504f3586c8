/** Names that the pages use without saying what they are: the reader's own. `spec/docs.spec.ts` compiles the pages with them. */
import type { Observable } from 'rxjs';
import type { Admit, Channel, ChannelOutput, Handler, HttpRequest, Message, Reply, Server, Topic } from 'rx-http-kit';
import type { SessionStore } from 'rx-http-kit/middleware';

declare global {
  interface Price {
    readonly id?: number;
    readonly symbol: string;
    readonly bid: number;
  }
  interface Order {
    readonly lines: readonly unknown[];
  }
  interface Session {
    readonly user: string;
    readonly login: string;
  }
  interface Receipt {
    readonly total: number;
  }
  type SignedInRequest = HttpRequest & { readonly user: string };

  const prices$: Observable<Price>;
  const ticks$: Observable<string>;
  const user: string;
  const rows$: Observable<unknown>;
  const rows: Iterable<unknown>;
  const prices: Topic<Price>;
  const rooms: Map<string, Topic<Message>>;
  const source$: Observable<Price>;
  const news$: Observable<string>;
  const feed$: Observable<string>;
  const news: unknown;
  const channels: Iterable<Channel<Message, ChannelOutput>>;
  const cursor: string;
  const store: SessionStore;
  const path: string;

  const handler: Handler;
  const home: Handler;
  const addPost: Handler;
  const addUser: Handler;
  const login: Handler;

  const answer: (message: Message) => string;
  const toText: (row: unknown) => string;
  const save: (item: unknown) => Promise<string>;
  const server: Server;
  const gate: Admit;
  const channel: Channel<Message, ChannelOutput>;
  const log: (...words: readonly unknown[]) => void;
  const gauge: (active: number, waiting: number) => void;
  const warn: (reason: string, count: number) => void;
  const keep: (request: HttpRequest) => Reply;
  const write: (bytes: Uint8Array) => Promise<string>;
  const isKnown: (request: HttpRequest) => boolean;
  const pricesOf: (symbol: unknown) => Observable<Price>;
  const receiptFor: (order: Order) => Receipt;
  const tokens: (prompt: string) => Observable<string>;
  const promptOf: (request: HttpRequest) => string;
  const render: (request: HttpRequest) => string;
  const userOf: (id: string) => unknown;
  const key: string;
  const cert: string;
  const place: (id: number, lines: readonly unknown[]) => unknown;
  const signedIn: (handler: (requests$: Observable<SignedInRequest>) => Observable<Reply>) => Handler;

  const z: typeof import('zod');
  const Line: import('zod').ZodNumber;
  const express: typeof import('express');
  const expressApp: import('express').Express;
  const fastify: typeof import('fastify').fastify;
  const hono: import('hono').Hono;
  const listener: import('rx-http-kit/interop').NodeListener;
  const Deno: { serve(fetch: (request: Request) => Promise<Response>): void };
  const webSocket: typeof import('rxjs/webSocket').webSocket;
  const expect: typeof import('chai').expect;
}
