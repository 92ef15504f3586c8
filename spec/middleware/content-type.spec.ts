import { expect } from 'chai';
import { map } from 'rxjs';
import { type Handler, type HttpResponse, OptionError } from 'rx-http-kit';
import { contentType } from 'rx-http-kit/middleware';
import { inject } from 'rx-http-kit/testing';

const typeOf = async (uri: string, response: HttpResponse = { body: Buffer.from('x') }, options = {}): Promise<string> => {
  const handler: Handler = map(() => response);
  return (await inject(contentType(options)(handler), uri).collect()).headers['content-type'];
};

describe('contentType', () => {
  it('follows the extension of the path, and not of the query', async () => {
    expect(await typeOf('/a.css')).to.equal('text/css; charset=utf-8');
    expect(await typeOf('/a.PNG?b=c.css')).to.equal('image/png');
  });

  it('says nothing of an extension that nobody knows, and of none', async () => {
    for (const uri of ['/a.unheard-of', '/css', '/', '/.css']) expect(await typeOf(uri), uri).to.equal('application/octet-stream');
  });

  it('leaves a type that is there, in any case and any shape', async () => {
    expect(await typeOf('/a.css', { headers: { 'Content-Type': 'text/mine' }, body: 'x' })).to.equal('text/mine');
    expect(await typeOf('/a.css', { headers: new Headers({ 'content-type': 'text/mine' }), body: 'x' })).to.equal('text/mine');
  });

  it('knows types of its own', async () => {
    expect(await typeOf('/a.css', undefined, { mimeTypes: { '.css': 'text/mine' } })).to.equal('text/mine');
    expect(() => contentType({ mimeTypes: { css: 'text/mine' } })).to.throw(OptionError, 'mimeTypes');
  });
});
