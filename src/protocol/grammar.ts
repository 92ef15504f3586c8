/**
 * The character classes of RFC 9110 §5.6 and RFC 3986 as byte tables, and the few checks on strings built on them.
 *
 * Tables hold 1 for a member; they have 256 entries, so that any byte is a valid index.
 */

const tableOf = (members: string, ...ranges: readonly (readonly [number, number])[]): Uint8Array => {
  const table = new Uint8Array(256);
  for (const member of members) table[member.charCodeAt(0)] = 1;
  for (const [first, last] of ranges) table.fill(1, first, last + 1);
  return table;
};

const DIGITS = [0x30, 0x39] as const;
const UPPER = [0x41, 0x5a] as const;
const LOWER = [0x61, 0x7a] as const;

/** `tchar`, RFC 9110 §5.6.2. */
export const TOKEN: Uint8Array = tableOf("!#$%&'*+-.^_`|~", DIGITS, UPPER, LOWER);

/** What may stand in a field value: HTAB, SP, VCHAR, obs-text, RFC 9110 §5.5. */
export const FIELD_VALUE: Uint8Array = tableOf('\t', [0x20, 0x7e], [0x80, 0xff]);

/**
 * What may stand in a request target. Wider than RFC 3986 by the printable characters that browsers do not escape in a
 * query (WHATWG URL §4.1: `|`, `{`, `^` …), never wider than printable US-ASCII, and without the fragment's `#`.
 */
export const TARGET: Uint8Array = tableOf('', [0x21, 0x22], [0x24, 0x7e]);

/** What may stand in a registered name, RFC 3986 §3.2.2, without the comma: that one betrays a joined list of hosts. */
export const REG_NAME: Uint8Array = tableOf("-._~%!$&'()*+;=", DIGITS, UPPER, LOWER);

/** `quoted-string` content that needs no backslash, RFC 9110 §5.6.4. */
export const QUOTED_TEXT: Uint8Array = tableOf('\t !', [0x23, 0x5b], [0x5d, 0x7e], [0x80, 0xff]);

/** Value of a hexadecimal digit, or 255. */
export const HEX: Uint8Array = (() => {
  const table = new Uint8Array(256).fill(255);
  for (let value = 0; value < 16; value++) {
    const digit = value.toString(16);
    table[digit.charCodeAt(0)] = value;
    table[digit.toUpperCase().charCodeAt(0)] = value;
  }
  return table;
})();

const NOT_TOKEN = /[^!#$%&'*+\-.^_`|~0-9A-Za-z]/;
const NOT_FIELD_VALUE = /[^\t\x20-\x7e\x80-\xff]/;

/** True for a non-empty `token`. */
export const isToken = (text: string): boolean => text.length > 0 && !NOT_TOKEN.test(text);

/** True if `text` can be sent as a field value without changing or cutting a character. */
export const isFieldValue = (text: string): boolean => !NOT_FIELD_VALUE.test(text);

const OCTET = String.raw`(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)`;
const IPV4 = String.raw`${OCTET}(?:\.${OCTET}){3}`;
const H16 = '[0-9A-Fa-f]{1,4}';
/** `IPv6address` and `IPvFuture` between brackets, RFC 3986 §3.2.2. */
const IP_LITERAL = new RegExp(
  `^\\[(?:${[
    `(?:${H16}:){6}(?:${H16}:${H16}|${IPV4})`,
    `::(?:${H16}:){5}(?:${H16}:${H16}|${IPV4})`,
    `(?:${H16})?::(?:${H16}:){4}(?:${H16}:${H16}|${IPV4})`,
    `(?:(?:${H16}:){0,1}${H16})?::(?:${H16}:){3}(?:${H16}:${H16}|${IPV4})`,
    `(?:(?:${H16}:){0,2}${H16})?::(?:${H16}:){2}(?:${H16}:${H16}|${IPV4})`,
    `(?:(?:${H16}:){0,3}${H16})?::${H16}:(?:${H16}:${H16}|${IPV4})`,
    `(?:(?:${H16}:){0,4}${H16})?::(?:${H16}:${H16}|${IPV4})`,
    `(?:(?:${H16}:){0,5}${H16})?::${H16}`,
    `(?:(?:${H16}:){0,6}${H16})?::`,
    String.raw`[vV][0-9A-Fa-f]+\.[-._~!$&'()*+,;=:0-9A-Za-z]+`,
  ].join('|')})\\](?::\\d*)?$`,
);
const BAD_ESCAPE = /%(?![0-9A-Fa-f]{2})/;
const MAX_PORT = 65_535;

/** True for `uri-host [ ":" port ]`, RFC 9110 §7.2; an empty host is legal there. */
export const isAuthority = (text: string): boolean => {
  if (text.charCodeAt(0) === 0x5b) return IP_LITERAL.test(text) && isPort(text.slice(text.lastIndexOf(']') + 1));
  const colon = text.indexOf(':');
  const name = colon < 0 ? text : text.slice(0, colon);
  for (let i = 0; i < name.length; i++) {
    if (REG_NAME[name.charCodeAt(i)] !== 1) return false;
  }
  return (colon < 0 || isPort(text.slice(colon))) && !BAD_ESCAPE.test(name);
};

/** `text` is empty, or a colon and digits; the digits may be missing. */
const isPort = (text: string): boolean => /^(?::\d{0,5})?$/.test(text) && Number(text.slice(1)) <= MAX_PORT;

/** Splits an authority into its host, brackets kept, and its port, `undefined` where none is named. */
export const splitAuthority = (authority: string): { host: string; port: number | undefined } => {
  const colon = authority.indexOf(':', authority.lastIndexOf(']') + 1);
  if (colon < 0) return { host: authority, port: undefined };
  const digits = authority.slice(colon + 1);
  return { host: authority.slice(0, colon), port: digits === '' ? undefined : Number(digits) };
};
