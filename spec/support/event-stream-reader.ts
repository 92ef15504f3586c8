/**
 * A client's half of server-sent events, by the letter of WHATWG HTML §9.2.5 and §9.2.6. Written from that text alone, so
 * that what formats events can be held against it.
 */

export interface DispatchedEvent {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

export class EventStreamReader {
  readonly events: DispatchedEvent[] = [];
  readonly comments: string[] = [];
  /** The last event ID string of the event source. */
  lastEventId = '';
  reconnectionTime: number | undefined = undefined;
  readonly #decoder = new TextDecoder('utf-8'); // "UTF-8 decode" strips one leading byte order mark
  #line = '';
  /** The line before ended with CR: an LF that follows belongs to it. */
  #endedWithCr = false;
  #data = '';
  #type = '';
  #idBuffer = '';

  /** Bytes may be cut anywhere. What stands behind the last line end at the end of the stream is discarded. */
  push(bytes: Uint8Array): this {
    for (const character of this.#decoder.decode(bytes, { stream: true })) {
      const followsCr = this.#endedWithCr;
      this.#endedWithCr = character === '\r';
      if (character === '\n' && followsCr) continue;
      if (character === '\n' || character === '\r') {
        const line = this.#line;
        this.#line = '';
        this.#interpret(line);
      } else this.#line += character;
    }
    return this;
  }

  #interpret(line: string): void {
    if (line === '') return this.#dispatch();
    if (line.startsWith(':')) {
      this.comments.push(line.slice(1));
      return;
    }
    const colon = line.indexOf(':');
    if (colon === -1) return this.#process(line, '');
    const value = line.slice(colon + 1);
    this.#process(line.slice(0, colon), value.startsWith(' ') ? value.slice(1) : value);
  }

  #process(field: string, value: string): void {
    switch (field) {
      case 'event':
        this.#type = value;
        break;
      case 'data':
        this.#data += `${value}\n`;
        break;
      case 'id':
        if (!value.includes('\0')) this.#idBuffer = value;
        break;
      case 'retry':
        if (/^[0-9]+$/.test(value)) this.reconnectionTime = Number.parseInt(value, 10);
        break;
    }
  }

  #dispatch(): void {
    this.lastEventId = this.#idBuffer;
    if (this.#data === '') {
      this.#type = '';
      return;
    }
    this.events.push({ type: this.#type === '' ? 'message' : this.#type, data: this.#data.slice(0, -1), lastEventId: this.lastEventId });
    this.#data = '';
    this.#type = '';
  }
}
