import { expect } from 'chai';
import { concat, delay, EMPTY, finalize, lastValueFrom, map, mergeMap, NEVER, of, throwError, timer, toArray } from 'rxjs';
import { type Handler, HttpError, OptionError, type Reply } from 'rx-http-kit';
import { mapResponse } from 'rx-http-kit/middleware';
import { inject, request } from 'rx-http-kit/testing';

const replies = (handler: Handler): Promise<Reply[]> => lastValueFrom(inject(handler, '/').reply$.pipe(toArray()));

describe('mapResponse', () => {
  it('changes the first item, and passes the rest as it is', async () => {
    const handler = mapResponse(
      mergeMap(() => of('a', { status: 500, body: 'b' }, 'c')),
      (response) => ({ ...response, status: 201 }),
    );
    expect(await replies(handler)).to.deep.equal([{ status: 201, body: 'a' }, { status: 500, body: 'b' }, 'c']);
  });

  it('waits for a response that is made later, and keeps the order', async () => {
    const handler = mapResponse(
      mergeMap(() => of('a', 'b', 'c')),
      (response) => timer(1).pipe(map(() => ({ ...response, status: 201 }))),
    );
    expect(await replies(handler)).to.deep.equal([{ status: 201, body: 'a' }, 'b', 'c']);
  });

  it('bounds what waits meanwhile', async () => {
    const endless: Handler = mergeMap(() => of(...Array.from({ length: 2_000 }, () => 'x')));
    const handler = mapResponse(endless, () => NEVER);
    const error: unknown = await replies(handler).catch((thrown: unknown) => thrown);
    expect(error).to.include({ code: 'RHK_SLOW_CLIENT', message: 'more than 1024 items wait for the head of their reply' });
  });

  it('changes nothing of what is empty or fails', async () => {
    const never = (): never => expect.fail('nothing to change');
    expect(
      (
        await inject(
          mapResponse(() => EMPTY, never),
          '/',
        ).collect()
      ).status,
    ).to.equal(404);
    expect(
      (
        await inject(
          mapResponse(() => throwError(() => new HttpError(418)), never),
          '/',
        ).collect()
      ).status,
    ).to.equal(418);
  });

  it('fails with what the change throws, or its Observable fails with, and lets the handler go', async () => {
    for (const change of [
      () => throwError(() => new Error('later')),
      (): never => {
        throw new Error('at once');
      },
    ]) {
      let isLetGo = false;
      const handler: Handler = () => concat(of('a'), NEVER).pipe(finalize(() => (isLetGo = true)));
      const { status } = await inject(mapResponse(handler, change), '/').collect();
      expect([status, isLetGo]).to.deep.equal([500, true]);
    }
  });

  it('fails where no response is made after all, and takes the first of several', async () => {
    const none = await inject(
      mapResponse(
        map(() => 'a'),
        () => EMPTY,
      ),
      '/',
    ).collect();
    expect([none.status, none.events.map(({ error }) => (error as { code?: string }).code)]).to.deep.equal([500, ['RHK_BAD_REPLY']]);
    const two = mapResponse(
      map(() => 'a'),
      (response) => of({ ...response, status: 201 }, { status: 202, body: 'b' }),
    );
    expect(await replies(two)).to.deep.equal([{ status: 201, body: 'a' }]);
  });

  it('lets the handler go when nobody listens', () => {
    let isLetGo = false;
    const handler: Handler = () => concat(of('a'), NEVER).pipe(finalize(() => (isLetGo = true)));
    const subscription = of(request('/'))
      .pipe(mapResponse(handler, (response) => response))
      .subscribe();
    expect(isLetGo).to.equal(false);
    subscription.unsubscribe();
    expect(isLetGo).to.equal(true);
  });

  it('answers each of many requests', async () => {
    const handler = mapResponse(
      mergeMap(({ uri }) => of(uri).pipe(delay(uri === '/a' ? 3 : 1))),
      (response, { uri }) => ({ ...response, headers: { uri } }),
    );
    const seen = await lastValueFrom(of(request('/a'), request('/b')).pipe(handler, toArray()));
    expect(seen).to.deep.equal([
      { body: '/b', headers: { uri: '/b' } },
      { body: '/a', headers: { uri: '/a' } },
    ]);
  });

  it('refuses what is no handler', () => {
    expect(() => mapResponse('x' as unknown as Handler, (response) => response)).to.throw(OptionError, 'handler');
  });
});
