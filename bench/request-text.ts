/** A request as it goes over the wire; the check of the answer and the load send the same one. */
export interface WireRequest {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The bytes as text: ASCII only, so that a character is a byte. */
export function requestText({ method, path, headers = {}, body = '' }: WireRequest): string {
  const fields = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  if (body !== '') fields.push(`content-length: ${body.length}\r\n`);
  return `${method} ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n${fields.join('')}\r\n${body}`;
}
