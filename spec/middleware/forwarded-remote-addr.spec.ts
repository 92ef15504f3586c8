import { expect } from 'chai';
import { map } from 'rxjs';
import { forwardedRemoteAddr } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

const seen = async (remoteAddr: string, forwarded: string, proxies?: string[]) =>
  (
    await inject(forwardedRemoteAddr({ proxies })(map((request) => request.remoteAddr)), {
      remoteAddr,
      headers: { 'x-forwarded-for': forwarded },
    }).collect()
  ).text;

describe('forwardedRemoteAddr', () => {
  it('takes what the last trusted proxy has seen', async () => {
    expect(await seen('127.0.0.1', '203.0.113.9')).to.equal('203.0.113.9');
    expect(await seen('127.0.0.1', '203.0.113.9, 10.0.0.7', ['loopback', '10.0.0.0/8'])).to.equal('203.0.113.9');
    expect(await seen('127.0.0.1', '203.0.113.9:4711')).to.equal('203.0.113.9');
    expect(await seen('127.0.0.1', '[2001:db8::1]:443')).to.equal('2001:db8::1');
  });

  it('does not believe what the client wrote before that', async () => {
    expect(await seen('127.0.0.1', '1.1.1.1, 203.0.113.9')).to.equal('203.0.113.9');
    expect(await seen('203.0.113.9', '1.1.1.1')).to.equal('203.0.113.9');
  });

  it('keeps what it has where something is no address', async () => {
    for (const forwarded of ['unknown', '', '0x7f.1', '1', '<script>']) expect(await seen('127.0.0.1', forwarded)).to.equal('127.0.0.1');
  });
});
