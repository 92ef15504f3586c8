export { runServer, type Server, type ServerStatus, type StopOptions } from './server/run-server.js';
export { type ProcessesOptions, type ProcessServer, runProcesses } from './server/run-processes.js';
export type { ProcessEvent } from './processes/process-event.js';
export { listen } from './server/listen.js';
export { serve } from './server/serve.js';
export type { Connection } from './server/connection.js';
export type { Exchange } from './server/exchange.js';
export { DEFAULTS, type ServerOptions } from './server/options.js';
export type { ServerEvent, ServerEventType } from './server/server-event.js';
export type { Handler, Middleware } from './rx/handler.js';
export { extend, type HttpRequest } from './rx/request.js';
export type { Body, BodyPiece, HttpResponse, Reply } from './rx/response.js';
export type { HeaderValue, ResponseHeaders } from './protocol/response-head.js';
export type { Fields } from './protocol/request-head.js';
export { asChannel, type ChannelCallbacks, type ChannelOutput, type ChannelSetup } from './rx/channels/as-channel.js';
export type { Channel, ChannelClose, CloseStatus, SendOptions } from './rx/channels/channel.js';
export type { ChannelOptions } from './rx/channels/channel-options.js';
export { type Codec, json, type JsonCodec, type Message, ndjson } from './rx/channels/codec.js';
export { created } from './rx/replies/created.js';
export { html } from './rx/replies/html.js';
export { notFound } from './rx/replies/not-found.js';
export { redirect, type RedirectStatus } from './rx/replies/redirect.js';
export type { ReplyInit } from './rx/reply-init.js';
export { draining } from './rx/draining.js';
export { multiplex, type MultiplexTopics } from './rx/channels/multiplex.js';
export {
  conflate,
  type ConflateOptions,
  disconnect,
  dropNewest,
  dropOldest,
  latest,
  type OverflowPolicy,
  suspend,
} from './rx/queues/overflow.js';
export type { ChannelCounts, Drop, DropReason } from './rx/queues/queue-gauge.js';
export type { QueueOptions } from './rx/queues/queue-options.js';
export { stream, type StreamOptions, type StreamSource } from './rx/replies/stream.js';
export { fromReadable } from './rx/bodies/from-readable.js';
export type { PullSource } from './rx/bodies/pulled-source.js';
export type { Pausable, PausableSubscription } from './rx/demand/pausable.js';
export { inOrder, type InOrderOptions } from './rx/demand/in-order.js';
export { websocket, type WebSocketOperator } from './rx/channels/websocket.js';
export { eventStream, type EventStreamOptions } from './feeds/event-stream.js';
export { feed, type Feed, type FeedOptions } from './feeds/feed.js';
export type { FeedClients, FeedDrop } from './feeds/feed-counter.js';
export type { FeedTransport } from './feeds/feed-transport.js';
export { lastEventIdOf } from './feeds/last-event-id.js';
export { detached, type DetachedOptions } from './feeds/detached.js';
export type { DrainOptions } from './feeds/drainer.js';
export type { ServerSentEvent } from './protocol/server-sent-event.js';
export { topic, type Topic, type TopicOptions } from './topics/topic.js';
export type { Follower, Published, Replay, Replayable, Unfollow } from './rx/replay/replayable.js';
export { type EncodedMessage, encodeOnce } from './protocol/encoded-message.js';
export { file, type FileBody } from './rx/bodies/file-body.js';
export { inWorkers, type InWorkersOptions, type Workers, type WorkersHandler } from './workers/in-workers.js';
export type { WorkersLoad } from './workers/worker-pool.js';
export { workerName } from './workers/worker-name.js';
export { admit, type Admit, type AdmitOptions } from './rx/admission/admit.js';
export type { Pressure } from './rx/admission/admission.js';
export { asBytes } from './rx/requests/as-bytes.js';
export { asForm, type Form, type FormOptions } from './rx/requests/as-form.js';
export { asJson } from './rx/requests/as-json.js';
export { asText } from './rx/requests/as-text.js';
export {
  type ErrorCode,
  type ErrorEntry,
  type ErrorFault,
  ERRORS,
  HandlerError,
  HttpError,
  type HttpErrorOptions,
  HttpKitError,
  OptionError,
  OverloadError,
  type OverloadErrorOptions,
  ProtocolError,
} from './errors.js';
