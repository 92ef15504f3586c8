import { expect } from 'chai';
import fc from 'fast-check';
import { SharedFormat } from '#src/feeds/shared-format.js';
import { formatEvent, type ServerSentEvent } from '#src/protocol/server-sent-event.js';

const few = (...values: readonly string[]): fc.Arbitrary<string | undefined> => fc.constantFrom(undefined, ...values);
const event = fc.record({
  data: few('', 'a', 'b\nc', 'x'.repeat(20_000)),
  event: few('', 'tick'),
  id: few('', '1'),
  retry: fc.constantFrom(undefined, 0, 1),
  comment: few('', 'hm'),
});

describe('SharedFormat', () => {
  it('says of each event what would be said of it alone, whatever came before', () => {
    const told = fc.oneof(event, fc.constantFrom('', 'a', 'b\nc'));
    const runs = fc.array(fc.tuple(told, fc.integer({ min: 1, max: 3 })), { maxLength: 20 });
    fc.assert(
      fc.property(runs, (items) => {
        const shared = new SharedFormat();
        for (const [item, times] of items) {
          for (let i = 0; i < times; i++) expect(shared.textOf(item)).to.equal(formatEvent(item));
        }
      }),
    );
  });

  it('sees that an object was changed and told again', () => {
    const shared = new SharedFormat();
    const changing: { -readonly [K in keyof ServerSentEvent]: ServerSentEvent[K] } = { data: 'a' };
    expect(shared.textOf(changing)).to.equal('data: a\n\n');
    changing.data = 'b';
    expect(shared.textOf(changing)).to.equal('data: b\n\n');
    changing.id = '7';
    expect(shared.textOf(changing)).to.equal('id: 7\ndata: b\n\n');
  });

  it('makes text of the same event once', () => {
    const shared = new SharedFormat();
    let reads = 0;
    const { includes } = String.prototype;
    String.prototype.includes = function (this: string, ...search): boolean {
      reads++;
      return includes.apply(this, search);
    };
    try {
      for (let i = 0; i < 100; i++) shared.textOf({ id: '1', data: 'a' });
    } finally {
      String.prototype.includes = includes;
    }
    expect(reads).to.be.within(1, 2); // for LF and for CR
  });

  it('refuses what is no event, each time', () => {
    const shared = new SharedFormat();
    for (let i = 0; i < 2; i++) {
      expect(() => shared.textOf({ id: 'a\nb' }))
        .to.throw()
        .with.property('code', 'RHK_BAD_EVENT');
      expect(() => shared.textOf(undefined as unknown as string))
        .to.throw()
        .with.property('code', 'RHK_BAD_EVENT');
    }
  });
});
