import { expect } from 'chai';
import { lastEventIdOf } from 'rx-http-kit';
import { request } from 'rx-http-kit/testing';
import { cursorOf } from '#src/feeds/last-event-id.js';

const header = (id: string, uri: string = '/'): ReturnType<typeof request> => request({ uri, headers: { 'last-event-id': id } });

describe('lastEventIdOf', () => {
  it('reads the header, or else the query', () => {
    expect(lastEventIdOf(request('/'))).to.equal(undefined);
    expect(lastEventIdOf(header('7'))).to.equal('7');
    expect(lastEventIdOf(request('/?lastEventId=7'))).to.equal('7');
    expect(lastEventIdOf(request('/?lastEventId=a%20b%3A1&x=y'))).to.equal('a b:1');
    expect(lastEventIdOf(header('8', '/?lastEventId=7'))).to.equal('8');
    expect(lastEventIdOf(header('', '/?lastEventId=7'))).to.equal('7');
  });

  it('takes an empty id, and one that nobody has given, for none', () => {
    expect(lastEventIdOf(header(''))).to.equal(undefined);
    expect(lastEventIdOf(request('/?lastEventId='))).to.equal(undefined);
    expect(lastEventIdOf(header('x'.repeat(1_024)))).to.have.length(1_024);
    expect(lastEventIdOf(header('x'.repeat(1_025)))).to.equal(undefined);
    expect(lastEventIdOf(request(`/?lastEventId=${'x'.repeat(1_025)}`))).to.equal(undefined);
  });

  it('reads the header as UTF-8, and as it is where it is none', () => {
    expect(lastEventIdOf(header(Buffer.from('ß€😀').toString('latin1')))).to.equal('ß€😀');
    expect(lastEventIdOf(header('\xdf'))).to.equal('\xdf');
  });
});

describe('cursorOf', () => {
  it('takes ?cursor= too, behind the others', () => {
    expect(cursorOf(request('/'))).to.equal(undefined);
    expect(cursorOf(request('/?cursor=e:1'))).to.equal('e:1');
    expect(cursorOf(request('/?cursor=e:1&lastEventId=e:2'))).to.equal('e:2');
    expect(cursorOf(header('e:3', '/?cursor=e:1&lastEventId=e:2'))).to.equal('e:3');
    expect(cursorOf(request('/?cursor='))).to.equal(undefined);
  });

  it('keeps what is too long: that is a cursor that is lost, not none', () => {
    expect(cursorOf(header('x'.repeat(2_000)))).to.have.length(2_000);
  });
});
