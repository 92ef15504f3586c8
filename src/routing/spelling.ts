/** One spelling for each text: RFC 3986 §6.2.2. */

/** Percent-encoded but for unreserved characters; `encodeURIComponent` leaves five more than those. */
export const spellingOf = (text: string): string => encodeURIComponent(text).replace(/[!'()*]/g, escape);

const escape = (character: string): string => `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
