import { expect } from 'chai';
import { marbles, type MarbleHelpers } from 'rx-http-kit/testing';
import { type GroupScript, VirtualGroup } from '../support/virtual-processes.js';

const HASTE = { timeout: 50, firstRequestMs: 0 };

/** What happens to a group that is told, at the marbles of a diagram, to `r`eplace, `s`top or be `k`illed. */
const story = (script: GroupScript, orders: string = '', until: number = 1_000_000): string[] => {
  let log: string[] = [];
  marbles(
    (helpers: MarbleHelpers) => {
      const group = new VirtualGroup(helpers, script);
      log = group.log;
      helpers.at(orders, (order) => {
        if (order === 's') return group.supervisor.stop(HASTE);
        if (order === 'k') return group.supervisor.kill();
        const asked = helpers.clock.frame;
        group.supervisor.replace(HASTE).subscribe({
          error: ({ message }: Error) => group.tell(`asked at ${asked}: ${message}`),
          complete: () => group.tell(`asked at ${asked}: done`),
        });
      });
    },
    { horizonMs: until },
  );
  return log;
};

describe('Supervisor', () => {
  describe('start', () => {
    it('listens once all do', () => {
      const log = story({ processes: 2, scripts: { A: { life: '-r' }, B: { life: '---r' } } });
      expect(log).to.deep.equal(['0 A starts (1)', '0 B starts (2)', '1 A listens', '3 B listens', '3 * listening on 8090']);
    });

    it('gives up when the first does not start, with its cause, once all have ended', () => {
      const log = story({ processes: 3, scripts: { A: { life: '-r' }, B: { life: '--(fx)' }, C: { life: '------r' } } });
      expect(log).to.deep.equal([
        '0 A starts (1)',
        '0 B starts (2)',
        '0 C starts (3)',
        '1 A listens',
        '2 B ends',
        '2 A killed',
        '2 C killed',
        '3 A ends',
        '3 C ends',
        '3 * start failed: process 2 did not start: B is broken',
      ]);
    });

    it('says how one ended that did not say why', () => {
      expect(story({ scripts: { A: { life: '-x' } } }).at(-1)).to.equal(
        '1 * start failed: process 1 did not start: it ended with exit code 1',
      );
    });

    it('gives up on one that does not listen in time', () => {
      const log = story({ startTimeoutMs: 20, scripts: { A: { life: '' } } });
      expect(log).to.deep.equal([
        '0 A starts (1)',
        '20 A killed',
        '21 A ends',
        '21 * start failed: process 1 did not start: did not listen within 20 ms (startTimeoutMs)',
      ]);
    });

    it('makes a crash good that comes before the others listen', () => {
      const log = story({ processes: 2, scripts: { A: { life: '-rx' }, B: { life: '-----r' } } });
      expect(log).to.deep.equal([
        '0 A starts (1)',
        '0 B starts (2)',
        '1 A listens',
        '2 A ends',
        '2 * process 1 (pid 1) ended with exit code 1; another one starts now',
        '2 C starts (1)',
        '3 C listens',
        '5 B listens',
        '5 * listening on 8090',
      ]);
    });
  });

  describe('a crash', () => {
    /** The frames at which processes start, of a group of one in which each lives as given. */
    const starts = (lives: readonly string[], until: number): number[] => {
      const scripts = Object.fromEntries(lives.map((life, at) => [String.fromCharCode(65 + at), { life }]));
      return story({ scripts }, '', until)
        .filter((line) => line.includes('starts ('))
        .map((line) => Number(line.split(' ')[0]));
    };

    it('is made good at once, then after 100 ms, 200 ms, 400 ms', () => {
      expect(starts(['-rx', '-x', '-rx', '-x', '-r'], 5_000)).to.deep.equal([0, 2, 3 + 100, 105 + 200, 306 + 400]);
    });

    it('waits half a minute at most', () => {
      const frames = starts(['-rx', ...Array<string>(20).fill('-x')], 300_000);
      const waits = frames.slice(1).map((frame, at) => frame - frames[at] - 1);
      expect(waits.slice(0, 12)).to.deep.equal([1, 100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
    });

    it('is the first again behind ten seconds of service', () => {
      expect(starts(['-rx', '-x', '- r 9999ms x', '- r 9998ms x', '-r'], 100_000)).to.deep.equal([
        0,
        2,
        103,
        103 + 10_001,
        103 + 10_001 + 10_000 + 100,
      ]);
    });

    it('leaves the others alone', () => {
      const log = story({ processes: 2, scripts: { A: { life: '-r---x' } } }).slice(5);
      expect(log).to.deep.equal([
        '5 A ends',
        '5 * process 1 (pid 1) ended with exit code 1; another one starts now',
        '5 C starts (1)',
        '6 C listens',
      ]);
    });
  });

  describe('replace', () => {
    it('goes one by one: a new one listens before the old one leaves, which has ended before the next', () => {
      const log = story({ processes: 2, scripts: { A: { leaving: '---x' }, C: { life: '----r' } } }, ' ----------r').slice(5);
      expect(log).to.deep.equal([
        '10 C starts (1)',
        '14 C listens',
        '14 A leaves in 50',
        '17 A ends',
        '17 D starts (2)',
        '18 D listens',
        '18 B leaves in 50',
        '19 B ends',
        '19 * replaced',
        '19 asked at 10: done',
      ]);
    });

    it('stops at one that does not start; the old ones go on', () => {
      const log = story({ processes: 3, scripts: { E: { life: '-(fx)' } } }, '----------r').slice(7);
      expect(log).to.deep.equal([
        '10 D starts (1)',
        '11 D listens',
        '11 A leaves in 50',
        '12 A ends',
        '12 E starts (2)',
        '13 E ends',
        '13 * process 2 did not start: E is broken; the old processes go on',
        '13 asked at 10: process 2 did not start: E is broken',
      ]);
    });

    it('can be asked for again behind a failure', () => {
      const log = story({ scripts: { B: { life: '-(fx)' } } }, '----------r---------r');
      expect(log.slice(-6)).to.deep.equal([
        '20 C starts (1)',
        '21 C listens',
        '21 A leaves in 50',
        '22 A ends',
        '22 * replaced',
        '22 asked at 20: done',
      ]);
    });

    it('is done once more for all who ask while it is done', () => {
      const log = story({ scripts: { A: { leaving: '-----x' } } }, '----------r--rr').slice(3);
      expect(log).to.deep.equal([
        '10 B starts (1)',
        '11 B listens',
        '11 A leaves in 50',
        '16 A ends',
        '16 * replaced',
        '16 asked at 10: done',
        '16 C starts (1)',
        '17 C listens',
        '17 B leaves in 50',
        '18 B ends',
        '18 * replaced',
        '18 asked at 13: done',
        '18 asked at 14: done',
      ]);
    });

    it('kills an old one that does not leave, a second behind its time, and goes on', () => {
      const log = story({ scripts: { A: { leaving: '' } } }, '----------r').slice(3);
      expect(log).to.deep.equal([
        '10 B starts (1)',
        '11 B listens',
        '11 A leaves in 50',
        '1061 A killed',
        '1062 A ends',
        '1062 * process 1 (pid 1) did not end within 50 ms: SIGKILL',
        '1062 * replaced',
        '1062 asked at 10: done',
      ]);
    });

    it('fills the place of one that crashes in the meantime', () => {
      const log = story({ scripts: { A: { life: '-r----------x' }, B: { life: '-----r' } } }, '----------r').slice(3);
      expect(log).to.deep.equal([
        '10 B starts (1)',
        '12 A ends',
        '12 * process 1 (pid 1) ended with exit code 1; another one starts now',
        '15 B listens',
        '15 * replaced',
        '15 asked at 10: done',
      ]);
    });

    it('leaves the place to backoff when both fail', () => {
      const log = story({ scripts: { A: { life: '-r----------x' }, B: { life: '-----(fx)' } } }, '----------r').slice(6);
      expect(log).to.deep.equal([
        '15 B ends',
        '15 * process 1 did not start: B is broken; the old processes go on',
        '15 asked at 10: process 1 did not start: B is broken',
        '115 C starts (1)',
        '116 C listens',
      ]);
    });

    it('takes over from a restart that waits', () => {
      const log = story({ scripts: { A: { life: '-rx' }, B: { life: '-x' } } }, '----------r').slice(7);
      expect(log).to.deep.equal([
        '3 * process 1 (pid 2) ended with exit code 1; another one starts in 100 ms',
        '10 C starts (1)',
        '11 C listens',
        '11 * replaced',
        '11 asked at 10: done',
      ]);
    });

    it('makes the crash of a new one good while the old one still leaves', () => {
      const log = story({ scripts: { A: { leaving: '--------x' }, B: { life: '-r--x' } } }, '----------r').slice(3);
      expect(log).to.deep.equal([
        '10 B starts (1)',
        '11 B listens',
        '11 A leaves in 50',
        '14 B ends',
        '14 * process 1 (pid 2) ended with exit code 1; another one starts now',
        '14 C starts (1)',
        '15 C listens',
        '19 A ends',
        '19 * replaced',
        '19 asked at 10: done',
      ]);
    });
  });

  describe('stop', () => {
    it('lets all leave, and is over when the last has', () => {
      const log = story({ processes: 2, scripts: { B: { leaving: '-----x' } } }, '----------s').slice(5);
      expect(log).to.deep.equal(['10 A leaves in 50', '10 B leaves in 50', '11 A ends', '15 B ends', '15 * stopped']);
    });

    it('kills those that hang, a second behind their time', () => {
      const log = story({ scripts: { A: { leaving: '' } } }, '----------s').slice(3);
      expect(log).to.deep.equal([
        '10 A leaves in 50',
        '1060 A killed',
        '1061 A ends',
        '1061 * process 1 (pid 1) did not end within 50 ms: SIGKILL',
        '1061 * stopped',
      ]);
    });

    it('starts nobody any more, neither for a crash nor behind one', () => {
      const waiting = story({ scripts: { A: { life: '-rx' }, B: { life: '-x' } } }, '----------s').slice(8);
      expect(waiting).to.deep.equal(['10 * stopped']);
      const crashing = story({ processes: 2, scripts: { A: { life: '-r---------x', leaving: '' } } }, '----------s').slice(5);
      expect(crashing).to.deep.equal(['10 A leaves in 50', '10 B leaves in 50', '11 A ends', '11 B ends', '11 * stopped']);
    });

    it('ends a replacement, and tells those who asked for it', () => {
      const log = story({ scripts: { B: { life: '--------r' } } }, '----------r-r-s').slice(3);
      const ending = 'the server stops: its processes are not replaced any more';
      expect(log).to.deep.equal([
        '10 B starts (1)',
        '14 B killed',
        `14 asked at 10: ${ending}`,
        `14 asked at 12: ${ending}`,
        '14 A leaves in 50',
        '14 B leaves in 50',
        '15 B ends',
        '15 A ends',
        '15 * stopped',
      ]);
    });

    it('refuses to replace behind it', () => {
      const log = story({ scripts: { A: { leaving: '---x' } } }, '----------sr').slice(4);
      expect(log[0]).to.match(/^11 asked at 11: the server stops/);
    });

    it('is cut short by kill', () => {
      const log = story({ scripts: { A: { leaving: '' } } }, '----------s--k').slice(3);
      expect(log).to.deep.equal(['10 A leaves in 50', '13 A killed', '14 A ends', '14 * stopped']);
    });

    it('counts once', () => {
      const log = story({}, '----------ss').slice(3);
      expect(log).to.deep.equal(['10 A leaves in 50', '11 A ends', '11 * stopped']);
    });
  });
});
