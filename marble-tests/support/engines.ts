/** Both ways to answer all connections; what one does the other must do. */
import { concatMap, mergeMap, type OperatorFunction } from 'rxjs';
import type { Connection, Handler } from 'rx-http-kit';
import { serve } from '#src/server/serve.js';

/** The pipeline that `serve` stands for, out of RxJS's own operators. */
const pipeline = (handler: Handler): OperatorFunction<Connection, never> =>
  mergeMap((connection) => connection.requests$.pipe(concatMap((exchange) => exchange.answer(handler))));

export const ENGINES: Readonly<Record<string, (handler: Handler) => OperatorFunction<Connection, never>>> = { serve, pipeline };
