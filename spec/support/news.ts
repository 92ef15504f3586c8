/** What threads tell the spec that started them, in the order of its coming. */
import { BroadcastChannel } from 'node:worker_threads';

export class News {
  readonly heard: string[];
  private readonly channel: BroadcastChannel;
  private readonly waiting: Set<() => void>;

  constructor() {
    this.heard = [];
    this.channel = new BroadcastChannel('workers-spec');
    this.waiting = new Set();
    this.channel.onmessage = (event) => {
      this.heard.push(String((event as { data: unknown }).data)); // typed unknown, a MessageEvent as documented
      for (const look of this.waiting) look();
    };
  }

  /** Resolves when `text` has been told `times` times. */
  told(text: string, times: number = 1): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.heard.filter((heard) => heard.startsWith(text)).length < times) return;
        this.waiting.delete(look);
        resolve();
      };
      this.waiting.add(look);
      look();
    });
  }

  clear(): void {
    this.heard.length = 0;
  }

  close(): void {
    this.channel.close();
  }
}
